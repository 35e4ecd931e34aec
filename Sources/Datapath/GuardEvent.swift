import DatapathProgram
import Policy

/// A frame that broke a rule, as the kernel program tells it; sampled (policy.md, sections 8 and 10).
public struct GuardEvent: Sendable, Hashable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    public var time: UInt64
    /// The interface's number.
    public var port: UInt32
    /// The bridge's; 0 for an interface without a record.
    public var bridge: UInt32
    public var direction: Direction
    public var reason: Reason
    /// Audit mode let it pass.
    public var wasAudited: Bool
    /// Of the whole frame, in bytes.
    public var frameLength: UInt32
    /// The frame's first bytes, at most 128.
    public var frame: [UInt8]
    /// The tag that travelled out of band, if any.
    public var tag: (UInt16, UInt16)? { tagProtocol.map { ($0, tagControl) } }
    /// Its EtherType.
    public var tagProtocol: UInt16?
    /// Its priority, drop eligibility and VLAN id.
    public var tagControl: UInt16
    /// Events of this port, direction and reason that were not sent since the last.
    public var leftOut: UInt32

    /// nil for bytes that aren't an event of this layout.
    ///
    /// - Parameter isHeadOnly: leaves out the frame.
    public init?(_ bytes: UnsafeRawBufferPointer, isHeadOnly: Bool = false) {
        guard bytes.count >= MemoryLayout<guard_event>.size else { return nil }
        let event = bytes.loadUnaligned(as: guard_event.self)
        guard let direction = Direction(rawValue: event.direction), let reason = Reason(rawValue: event.reason) else { return nil }
        time = event.time
        port = event.port
        bridge = event.bridge
        self.direction = direction
        self.reason = reason
        wasAudited = event.flags & UInt8(GUARD_EVENT_AUDITED) != 0
        frameLength = event.length
        frame = isHeadOnly ? [] : BindingImage.read(event.bytes, min(Int(event.captured), Int(GUARD_EVENT_BYTES)), as: UInt8.self)
        tagProtocol = event.flags & UInt8(GUARD_EVENT_TAGGED) != 0 ? event.vlan_protocol : nil
        tagControl = event.vlan_tci
        leftOut = event.left_out
    }

    /// An event that no kernel sent.
    package init(
        time: UInt64, port: UInt32, bridge: UInt32, direction: Direction, reason: Reason, wasAudited: Bool = false, frameLength: UInt32,
        frame: [UInt8], tagProtocol: UInt16? = nil, tagControl: UInt16 = 0, leftOut: UInt32 = 0
    ) {
        self.time = time
        self.port = port
        self.bridge = bridge
        self.direction = direction
        self.reason = reason
        self.wasAudited = wasAudited
        self.frameLength = frameLength
        self.frame = frame
        self.tagProtocol = tagProtocol
        self.tagControl = tagControl
        self.leftOut = leftOut
    }
}
