import Addresses
import Packets

/// Calls every decoder of frames on these bytes, as a frame and as each layer, and stops the process where one claims
/// what can't be. Shared by the fuzz target and the tests of random and cut bytes.
func decodeEverything(_ bytes: [UInt8], offloadedTag: VLANTag? = nil, isSegmentationOffload: Bool = false) {
    let frame = Frame(bytes: bytes, offloadedTag: offloadedTag, isSegmentationOffload: isSegmentationOffload)
    let description = frame.description
    precondition(description.utf8.allSatisfy { (0x20..<0x7f).contains($0) }, "a description holds printable ASCII only")
    precondition(frame.payload.count <= bytes.count, "a payload is part of its frame")
    _ = frame.llc
    // A frame's payload, and the same bytes as if they were any other layer.
    for layer in [frame.payload, Bytes(bytes)] {
        check(IPv4Header(layer, isSegmentationOffload: isSegmentationOffload), in: layer)
        check(IPv6Header(layer, isSegmentationOffload: isSegmentationOffload), in: layer)
        check(ICMPv6Message(layer), in: layer)
        _ = ARPPacket(layer)?.description
        _ = ICMPMessage(layer)?.description
        _ = IGMPMessage(layer)?.description
        _ = UDPHeader(layer)?.description
        _ = TCPHeader(layer)?.description
        check(DHCPv4Message(layer))
        check(DHCPv6Message(layer), in: layer)
        _ = LLCHeader(layer)?.description
    }
    for fragment in frame.fragments(mtu: 60).prefix(4) { _ = fragment.description }
}

private func check(_ message: DHCPv4Message?) {
    guard let message else { return }
    _ = message.description
    _ = (message.messageType, message.requestedAddress, message.leaseTime, message.serverIdentifier, message.hasRapidCommit)
    precondition(message.overloadedOptions.count <= (128 + 64) / 2, "an option takes two bytes at least")
}

private func check(_ message: DHCPv6Message?, in layer: Bytes) {
    guard let message else { return }
    _ = (message.clientIdentifier, message.serverIdentifier, message.status, message.hasRapidCommit)
    for association in message.associations {
        precondition(association.grants.count <= layer.count / 28, "an address takes 28 bytes at least")
        precondition(association.grants.allSatisfy { $0.preferredLifetime <= $0.validLifetime }, "what makes no sense is left out")
    }
}

private func check(_ header: IPv4Header?, in layer: Bytes) {
    guard let header else { return }
    precondition(header.payload.count <= header.payloadPresent.count, "nothing is read beyond the total length")
    precondition(!header.isWellFormed || header.headerLength + header.payload.count == header.total, "a whole packet has a whole payload")
    precondition(header.options.allSatisfy { $0.data.count <= 38 }, "an option fits into the header")
    _ = header.hasValidChecksum
    _ = header.description
}

private func check(_ header: IPv6Header?, in layer: Bytes) {
    guard let header else { return }
    _ = header.description
    let chain = header.chain
    let length = chain.headers.reduce(0) { $0 + $1.bytes.count }
    precondition(chain.headers.count <= ExtensionHeaderChain.maximumHeaders && length <= ExtensionHeaderChain.maximumBytes, "a chain is bounded")
    precondition(chain.headers.allSatisfy { $0.bytes.count >= 8 && $0.kind.isExtensionHeader }, "each header is whole")
    if let upper = chain.upperLayer {
        precondition(chain.breakage == nil && !chain.isLaterFragment && upper.offset == length, "an upper layer follows a whole chain")
        precondition(length + upper.bytes.count == header.payload.count, "an upper layer goes on to the packet's end")
    } else {
        precondition(chain.breakage != nil || chain.isLaterFragment, "without an upper layer there is a reason")
    }
}

private func check(_ message: ICMPv6Message?, in layer: Bytes) {
    guard let message else { return }
    _ = message.description
    _ = MLDMessage(message)?.recordGroups
    guard let options = message.options, let fixedLength = message.fixedLength else { return }
    let length = options.reduce(0) { $0 + $1.bytes.count }
    precondition(options.isWhole == (fixedLength + length == layer.count), "options walk to the end exactly, or are broken")
}
