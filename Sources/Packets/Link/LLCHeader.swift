/// What follows an IEEE 802.3 length: logical link control (IEEE 802.2), perhaps with a SNAP extension (RFC 1042).
public struct LLCHeader: Hashable, Sendable, CustomStringConvertible {
    /// The extension of five bytes that names a protocol as an EtherType does.
    public struct SNAP: Hashable, Sendable {
        /// 24 bits; 0 where `type` is an EtherType.
        public let oui: UInt32
        public let type: EtherType
    }

    public let destinationSAP: UInt8
    public let sourceSAP: UInt8
    /// The first byte of the control field.
    public let control: UInt8
    public let snap: SNAP?

    /// Nil for fewer than three bytes.
    public init?(_ bytes: Bytes) {
        guard let destinationSAP = bytes.uint8(at: 0), let sourceSAP = bytes.uint8(at: 1), let control = bytes.uint8(at: 2)
        else { return nil }
        self.destinationSAP = destinationSAP
        self.sourceSAP = sourceSAP
        self.control = control
        if destinationSAP == 0xaa, sourceSAP == 0xaa, control == 3, let upper = bytes.uint16(at: 3), let lower = bytes.uint8(at: 5),
            let type = bytes.uint16(at: 6)
        {
            snap = SNAP(oui: UInt32(upper) << 8 | UInt32(lower), type: EtherType(rawValue: type))
        } else {
            snap = nil
        }
    }

    public var description: String {
        if let snap { return "SNAP oui 0x\(hexDigits(UInt64(snap.oui), width: 6)), \(snap.type)" }
        if destinationSAP == 0x42, sourceSAP == 0x42 { return "STP" }
        return "LLC dsap 0x\(hexDigits(UInt64(destinationSAP), width: 2)), ssap 0x\(hexDigits(UInt64(sourceSAP), width: 2))"
    }
}
