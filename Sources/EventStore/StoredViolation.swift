import Policy

/// A violation as far as it happened in one minute.
public struct StoredViolation: Sendable, Hashable {
    /// Its number in this store.
    public var id: Int64
    /// Which change to the store was its last; later ones have higher numbers.
    public var change: Int64
    /// Since 1970.
    public var minute: Int64
    public var violation: Violation
    /// With all its samples, oldest first.
    public var count: ViolationCount

    /// Where it stands among all: by minute, then in the order in which they began.
    public var place: Place { Place(minute: minute, id: id) }

    public struct Place: Sendable, Hashable {
        public var minute: Int64
        public var id: Int64

        public init(minute: Int64, id: Int64) {
            self.minute = minute
            self.id = id
        }
    }
}

/// A kept frame, and what it broke.
public struct StoredSample: Sendable, Hashable {
    public var id: Int64
    public var violation: Violation
    public var sample: SampleFrame
}

/// A guest's violations of one kind over a time.
public struct ViolationTotal: Sendable, Hashable {
    /// nil where nobody was bound to the port: then `port` says more.
    public var guest: String?
    /// The port; where there were several, the one that comes last by name.
    public var port: String
    public var bridge: String
    public var direction: Direction
    public var reason: Reason
    public var wasAudited: Bool
    public var packets: UInt64
    public var bytes: UInt64
    /// Nanoseconds since 1970.
    public var first: UInt64
    /// Nanoseconds since 1970.
    public var last: UInt64
}
