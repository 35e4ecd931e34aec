/// A list of options as far as it could be followed: those of IPv4, neighbour discovery, DHCPv4 and DHCPv6 alike.
public struct OptionWalk<Option: Hashable & Sendable>: Hashable, Sendable, RandomAccessCollection {
    /// Those before the end, or before the place where the list broke.
    private var options: [Option] = []
    /// Where, counted from the start of the bytes walked, an option should be and isn't whole; nil if all was walked.
    public private(set) var brokenAt: Int?

    public var isWhole: Bool { brokenAt == nil }
    public var startIndex: Int { 0 }
    public var endIndex: Int { options.count }
    public subscript(position: Int) -> Option { options[position] }

    enum Step {
        case option(Option, length: Int)
        case padding
        case end
        case broken
    }

    /// Asks `step` what is at each offset until the end.
    init(over bytes: Bytes, from start: Int = 0, step: (_ offset: Int) -> Step) {
        var offset = start
        while offset < bytes.count {
            switch step(offset) {
            case .option(let option, let length) where length > 0:
                options.append(option)
                offset += length
            case .padding:
                offset += 1
            case .end:
                return
            case .option, .broken:
                brokenAt = offset
                return
            }
        }
    }
}
