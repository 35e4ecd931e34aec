import Policy

/// What an operator's files say: the policy, and how the host is to carry it out.
public struct HostConfiguration: Sendable, Hashable {
    public var policy: HostPolicy
    /// What holds guests to it.
    public var engine: Engine
    /// The bit of the packet mark that stamps judged frames (policy.md, section 1): 16...31.
    public var stampBit: Int
    /// How many ports and bridges the kernel's maps are made for: `portBounds`. One of the places is nobody's.
    public var maximumPorts: Int
    /// What is taken as written, but may not be meant.
    public var warnings: [ConfigurationError]

    public static let defaultStampBit = 30
    public static let defaultMaximumPorts = 4096
    /// As the kernel program has them (`Datapath.portBounds`).
    public static let portBounds = 1024...16_384

    public init(
        policy: HostPolicy, engine: Engine = .ebpf, stampBit: Int = defaultStampBit, maximumPorts: Int = defaultMaximumPorts,
        warnings: [ConfigurationError] = []
    ) {
        self.policy = policy
        self.engine = engine
        self.stampBit = stampBit
        self.maximumPorts = maximumPorts
        self.warnings = warnings
    }
}
