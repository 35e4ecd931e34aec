import Policy

/// What an operator's files say: the policy, and how the host is to carry it out.
public struct HostConfiguration: Sendable, Hashable {
    public var policy: HostPolicy
    /// What holds guests to it.
    public var engine: Engine
    /// The bit of the packet mark that stamps judged frames (policy.md, section 1): 16...31.
    public var stampBit: Int
    /// What is taken as written, but may not be meant.
    public var warnings: [ConfigurationError]

    public static let defaultStampBit = 30

    public init(
        policy: HostPolicy, engine: Engine = .ebpf, stampBit: Int = defaultStampBit,
        warnings: [ConfigurationError] = []
    ) {
        self.policy = policy
        self.engine = engine
        self.stampBit = stampBit
        self.warnings = warnings
    }
}
