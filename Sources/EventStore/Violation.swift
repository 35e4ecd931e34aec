import Packets
import Policy

/// What is counted together: frames of one sender that broke one rule in the same way.
public struct Violation: Sendable, Hashable {
    public var bridge: String
    /// nil where nobody was bound to the port, or where it can't be told who was.
    public var guest: String?
    public var port: String
    public var direction: Direction
    public var reason: Reason
    /// Audit mode let them pass.
    public var wasAudited: Bool

    public init(bridge: String, guest: String?, port: String, direction: Direction, reason: Reason, wasAudited: Bool) {
        self.bridge = bridge
        self.guest = guest
        self.port = port
        self.direction = direction
        self.reason = reason
        self.wasAudited = wasAudited
    }

    /// Whether there is something to remember: notices say something of a sender on its way in alone, and of somebody who
    /// got past the guard (`unjudged`). What is merely kept from a guest happens all the time on a busy network.
    public static func isWorthKeeping(_ reason: Reason, _ direction: Direction) -> Bool {
        switch direction {
        case .fromGuest, .fromUplink, .fromHost: true
        case .toGuest, .toUplink, .toHost: reason.severity != .notice || reason == .unjudged
        }
    }
}

/// A frame that broke a rule, as far as it is kept.
public struct SampleFrame: Sendable, Hashable {
    /// At most this many are kept of one violation in one minute.
    public static let perMinute = 4
    /// At most this many bytes of each.
    public static let bytesKept = 128

    /// Nanoseconds since 1970.
    public var time: UInt64
    /// The frame's first bytes.
    public var bytes: [UInt8]
    /// The tag that travelled out of band, if any.
    public var tag: VLANTag?
    /// Of the whole frame, in bytes, without that tag.
    public var length: UInt32

    public init(time: UInt64, bytes: [UInt8], tag: VLANTag? = nil, length: UInt32) {
        self.time = time
        self.bytes = bytes.count > Self.bytesKept ? Array(bytes.prefix(Self.bytesKept)) : bytes
        self.tag = tag
        self.length = length
    }

    public var frame: Frame { Frame(bytes: bytes, offloadedTag: tag) }

    /// As a capture keeps it: a tag that travelled out of band is put back into its frame.
    public var packet: CaptureFile.Packet {
        guard let tag, bytes.count >= 12 else { return CaptureFile.Packet(timestamp: time, bytes: bytes, originalLength: Int(length)) }
        let words = [tag.tpid.rawValue, tag.tci].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        return CaptureFile.Packet(
            timestamp: time, bytes: bytes[..<12] + words + bytes[12...], originalLength: Int(length) + words.count)
    }
}

/// How often a violation happened, and when.
public struct ViolationCount: Sendable, Hashable {
    public var packets: UInt64
    public var bytes: UInt64
    /// Nanoseconds since 1970: none happened before. Of what was counted while nobody looked, when that began.
    public var first: UInt64
    /// Nanoseconds since 1970: when the last of them had been counted.
    public var last: UInt64
    public var samples: [SampleFrame]

    public init(packets: UInt64, bytes: UInt64, first: UInt64, last: UInt64, samples: [SampleFrame] = []) {
        self.packets = packets
        self.bytes = bytes
        self.first = first
        self.last = last
        self.samples = samples
    }

    /// Further ones of the same violation. Of samples no more are kept than the store would.
    public mutating func add(_ other: ViolationCount) {
        packets &+= other.packets
        bytes &+= other.bytes
        first = min(first, other.first)
        last = max(last, other.last)
        samples += other.samples.prefix(max(0, SampleFrame.perMinute - samples.count))
    }
}
