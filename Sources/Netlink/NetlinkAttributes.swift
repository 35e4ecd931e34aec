import CLinux

/// A message that came from the kernel: its fixed header and attributes are read through bounds-checked views.
public struct NetlinkReply: Sendable {
    public let type: UInt16
    public let flags: UInt16
    public let sequence: UInt32
    /// Everything after `struct nlmsghdr`.
    public let payload: ArraySlice<UInt8>

    /// The fixed header at the start; nil if the message is too short to hold one.
    public func header<Header: BitwiseCopyable>(_ type: Header.Type) -> Header? {
        payload.loadPrefix(type)
    }

    /// The attributes that follow a fixed header of the given type.
    public func attributes<Header: BitwiseCopyable>(after type: Header.Type) -> NetlinkAttributes {
        NetlinkAttributes(payload.dropFirst(aligned(MemoryLayout<Header>.size)))
    }

    /// Splits what one `recv` gave into messages.
    ///
    /// - Returns: nil if a length field contradicts the bytes present.
    static func split(_ datagram: ArraySlice<UInt8>) -> [NetlinkReply]? {
        var rest = datagram
        var replies: [NetlinkReply] = []
        let headerSize = MemoryLayout<nlmsghdr>.size
        while !rest.isEmpty {
            guard let header = rest.loadPrefix(nlmsghdr.self) else { return nil }
            let length = Int(header.nlmsg_len)
            guard length >= headerSize, length <= rest.count else { return nil }
            replies.append(
                NetlinkReply(
                    type: header.nlmsg_type, flags: header.nlmsg_flags, sequence: header.nlmsg_seq,
                    payload: rest.prefix(length).dropFirst(headerSize)))
            rest = rest.dropFirst(aligned(length))
        }
        return replies
    }
}

/// The attributes of a message or of a nest, in the order they came. Reading stops at the first whose length
/// contradicts the bytes present, as the kernel's own `nla_for_each_attr` does.
public struct NetlinkAttributes: Sequence, Sendable {
    private let bytes: ArraySlice<UInt8>

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// The first attribute of that number; nil if there is none.
    public subscript(_ attribute: Int) -> NetlinkAttribute? {
        first { $0.type == attribute }
    }

    public func makeIterator() -> Iterator {
        Iterator(rest: bytes)
    }

    public struct Iterator: IteratorProtocol {
        var rest: ArraySlice<UInt8>

        public mutating func next() -> NetlinkAttribute? {
            guard let header = rest.loadPrefix(nlattr.self) else { return nil }
            let length = Int(header.nla_len)
            guard length >= 4, length <= rest.count else {
                rest = []
                return nil
            }
            let value = rest.prefix(length).dropFirst(4)
            rest = rest.dropFirst(aligned(length))
            // The two high bits say "nested" and "network byte order", they aren't part of the number.
            return NetlinkAttribute(type: Int(header.nla_type & ~UInt16(CLINUX_NLA_TYPE_MASK)), bytes: value)
        }
    }
}

/// One attribute. Each view is nil if the value's length isn't the one asked for.
public struct NetlinkAttribute: Sendable {
    /// The number within its message or nest (IFLA_IFNAME…), without the flag bits.
    public let type: Int
    public let bytes: ArraySlice<UInt8>

    /// A value of exactly this size, in the byte order it came in.
    public func value<Value: BitwiseCopyable>(as type: Value.Type) -> Value? {
        bytes.count == MemoryLayout<Value>.size ? bytes.loadPrefix(type) : nil
    }

    public var uint8: UInt8? { value(as: UInt8.self) }
    public var uint16: UInt16? { value(as: UInt16.self) }
    public var uint32: UInt32? { value(as: UInt32.self) }
    public var int32: Int32? { value(as: Int32.self) }

    /// Up to the first zero byte; what isn't UTF-8 becomes U+FFFD.
    public var string: String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The attributes inside a nest.
    public var nested: NetlinkAttributes { NetlinkAttributes(bytes) }
}

/// NLMSG_ALIGN and NLA_ALIGN: the next multiple of 4.
private func aligned(_ length: Int) -> Int { (length &+ 3) & ~3 }

extension ArraySlice<UInt8> {
    /// The C struct or integer lying at the start; nil if there are too few bytes.
    func loadPrefix<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? {
        guard count >= MemoryLayout<Value>.size else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(as: type) }
    }
}
