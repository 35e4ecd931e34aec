import Addresses

/// A stretch of bytes that can be read at any offset: what isn't there is nil, never a trap. Numbers are big-endian.
public struct Bytes: Hashable, Sendable {
    private let storage: [UInt8]
    private let range: Range<Int>

    public init(_ bytes: [UInt8]) {
        storage = bytes
        range = bytes.indices
    }

    private init(storage: [UInt8], range: Range<Int>) {
        self.storage = storage
        self.range = range
    }

    public var count: Int { range.count }
    public var isEmpty: Bool { range.isEmpty }
    public var array: [UInt8] { Array(storage[range]) }

    /// What begins at `offset`; empty if that is beyond the end.
    public func dropFirst(_ offset: Int) -> Bytes {
        let skipped = min(max(offset, 0), count)
        return Bytes(storage: storage, range: range.lowerBound + skipped..<range.upperBound)
    }

    /// The first `length` bytes, or all if there are fewer.
    public func prefix(_ length: Int) -> Bytes {
        let kept = min(max(length, 0), count)
        return Bytes(storage: storage, range: range.lowerBound..<range.lowerBound + kept)
    }

    /// `length` bytes from `offset` on; nil unless all of them are there.
    public func slice(at offset: Int, length: Int) -> Bytes? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        let start = range.lowerBound + offset
        return Bytes(storage: storage, range: start..<start + length)
    }

    public func uint8(at offset: Int) -> UInt8? {
        guard offset >= 0, offset < count else { return nil }
        return storage[range.lowerBound + offset]
    }

    public func uint16(at offset: Int) -> UInt16? { number(at: offset) }
    public func uint32(at offset: Int) -> UInt32? { number(at: offset) }
    public func mac(at offset: Int) -> MACAddress? { slice(at: offset, length: 6).flatMap { MACAddress(bytes: $0.storage[$0.range]) } }
    public func ipv4(at offset: Int) -> IPv4Address? { number(at: offset).map(IPv4Address.init(rawValue:)) }
    public func ipv6(at offset: Int) -> IPv6Address? { number(at: offset).map(IPv6Address.init(rawValue:)) }

    private func number<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int) -> Number? {
        guard let field = slice(at: offset, length: Number.bitWidth / 8) else { return nil }
        return field.storage[field.range].reduce(0) { $0 << 8 | Number($1) }
    }

    public static func == (left: Bytes, right: Bytes) -> Bool { left.storage[left.range] == right.storage[right.range] }
    public func hash(into hasher: inout Hasher) { hasher.combine(storage[range]) }
}
