extension NetworkPacket {
    /// The packet in pieces of at most `mtu` bytes, or itself if it fits or isn't well-formed IPv4 or IPv6. A piece has
    /// at least eight bytes of payload, even where the MTU has no room for them. Only what the kernel's own sender does
    /// is done here (RFC 791 3.2, RFC 8200 4.5): every other fragment can be composed by hand.
    public func fragments(mtu: Int, identification: UInt32 = 1) -> [NetworkPacket] {
        let mtu = max(mtu, 0)
        guard bytes.count > mtu else { return [self] }
        let bytes = Bytes(bytes)
        if etherType == .ipv4, let header = IPv4Header(bytes), header.isWellFormed, !header.isFragment {
            return Self.fragments(of: header, bytes, mtu: mtu, identification: UInt16(truncatingIfNeeded: identification))
        }
        if etherType == .ipv6, let header = IPv6Header(bytes), header.isWellFormed, header.chain.fragment == nil, header.chain.breakage == nil {
            return Self.fragments(of: header, bytes, mtu: mtu, identification: identification)
        }
        return [self]
    }

    private static func fragments(of header: IPv4Header, _ bytes: Bytes, mtu: Int, identification: UInt16) -> [NetworkPacket] {
        pieces(of: header.payload, room: mtu - header.headerLength).map { offset, piece, isLast in
            var fragment = bytes.prefix(header.headerLength).array
            fragment.write(UInt16(truncatingIfNeeded: fragment.count + piece.count), at: 2)
            fragment.write(identification, at: 4)
            fragment.write((isLast ? 0 : 0x2000) | UInt16(truncatingIfNeeded: offset / 8), at: 6)
            fragment.write(0, at: 10)
            var sum = InternetChecksum()
            sum.add(fragment)
            fragment.write(sum.value, at: 10)
            return NetworkPacket(.ipv4, bytes: fragment + piece.array)
        }
    }

    private static func fragments(of header: IPv6Header, _ bytes: Bytes, mtu: Int, identification: UInt32) -> [NetworkPacket] {
        // Hop-by-hop and all up to a routing header is in every fragment.
        let headers = header.chain.headers
        let kept = headers.prefix { $0.kind == .hopByHop }.count
        let shared = headers.lastIndex { $0.kind == .routing }.map { $0 + 1 } ?? kept
        let split = headers.prefix(shared).reduce(0) { $0 + $1.bytes.count }
        let next = shared < headers.count ? headers[shared].kind : header.chain.upperLayer?.proto ?? .noNextHeader
        let nextHeaderOffset = shared == 0 ? 6 : IPv6Header.fixedLength + headers[shared - 1].offset
        let room = mtu - IPv6Header.fixedLength - split - 8
        return pieces(of: header.payload.dropFirst(split), room: room).map { offset, piece, isLast in
            var fragment = bytes.prefix(IPv6Header.fixedLength + split).array
            fragment[nextHeaderOffset] = IPProtocol.fragment.rawValue
            let field = UInt16(truncatingIfNeeded: offset) & 0xfff8 | (isLast ? 0 : 1)
            fragment += [next.rawValue, 0] + bigEndian(field) + bigEndian(identification) + piece.array
            fragment.write(UInt16(truncatingIfNeeded: fragment.count - IPv6Header.fixedLength), at: 4)
            return NetworkPacket(.ipv6, bytes: fragment)
        }
    }

    /// The payload in stretches of as many whole eights of bytes as fit into `room`.
    private static func pieces(of payload: Bytes, room: Int) -> [(offset: Int, piece: Bytes, isLast: Bool)] {
        let size = max(8, room / 8 * 8)
        return stride(from: 0, to: max(payload.count, 1), by: size).map { offset in
            let piece = payload.dropFirst(offset).prefix(size)
            return (offset, piece, offset + piece.count == payload.count)
        }
    }
}

extension Frame {
    /// The frame in several, each with its own Ethernet header and tags and at most `mtu` bytes behind them.
    public func fragments(mtu: Int, identification: UInt32 = 1) -> [Frame] {
        let tags = tags
        guard let type = tags.etherType else { return [self] }
        let packet = NetworkPacket(type, bytes: payload.array)
        return packet.fragments(mtu: mtu, identification: identification).map { fragment in
            Frame(bytes: Array(bytes.prefix(tags.payloadOffset)) + fragment.bytes, offloadedTag: offloadedTag)
        }
    }
}
