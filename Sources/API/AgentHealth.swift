/// How the agent fares: what it tells the API, for `/v1/health` and for the metrics.
///
/// All times are nanoseconds since 1970, 0 for never; all counts are since the agent started.
public struct AgentHealth: Codable, Hashable, Sendable {
    /// The policy's files as they were last read.
    public struct PolicyFiles: Codable, Hashable, Sendable {
        public var isValid = false
        /// How many errors were found in them; they are not taken then, and what is in force stays.
        public var errors = 0
        /// When a sound policy was last taken from them.
        public var loadedAt: UInt64 = 0

        public init() {}
    }

    /// What makes the kernel match the policy.
    public struct Reconciler: Codable, Hashable, Sendable {
        /// Runs that found nothing to do.
        public var unchanged: UInt64 = 0
        /// Runs that changed something, and of which nothing failed.
        public var changed: UInt64 = 0
        /// Runs of which something failed.
        public var failed: UInt64 = 0
        /// Steps carried out, by their names (`Step.name`).
        public var steps: [String: UInt64] = [:]
        /// Steps that failed.
        public var stepFailures: UInt64 = 0
        /// Those steps that put right what another program had changed.
        public var drift: UInt64 = 0
        /// Ports that joined or left a guarded bridge, by what was done at once.
        public var portsBound: UInt64 = 0
        public var portsClosed: UInt64 = 0
        public var portsReleased: UInt64 = 0
        /// How long all runs took together.
        public var seconds: Double = 0
        /// When the last run ended.
        public var lastRunAt: UInt64 = 0
        public var lastSeconds: Double = 0
        /// What was wrong with the last run; nil if nothing.
        public var lastError: String?
        /// What of the policy couldn't be carried out in the last run.
        public var faults: [String] = []
        /// When its thread was last seen going round.
        public var seenAt: UInt64 = 0
        /// How often the kernel had more to say about links than the agent's socket could hold: it looked at everything then.
        public var linkOverruns: UInt64 = 0

        public init() {}
    }

    /// What reads counters and events, and records them.
    public struct Collector: Codable, Hashable, Sendable {
        /// Events taken out of the kernel's ring.
        public var eventsRead: UInt64 = 0
        /// Frames that broke a rule and of which the kernel sent no event: it samples them.
        public var eventsLeftOut: UInt64 = 0
        /// What was in the ring and is no event.
        public var eventsMalformed: UInt64 = 0
        /// Frames that the store of events will never know of.
        public var eventsLost: UInt64 = 0
        /// When counters were last read.
        public var readAt: UInt64 = 0
        /// Whether the store of events can be written.
        public var isRecording = false
        /// What the store takes on the disk; nil where that isn't known.
        public var storeBytes: UInt64?

        public init() {}
    }

    public var startedAt: UInt64
    public var policy = PolicyFiles()
    public var reconciler = Reconciler()
    public var collector = Collector()

    public init(startedAt: UInt64) { self.startedAt = startedAt }
}

/// The agent as the API sees it.
public struct AgentInformation: Sendable {
    /// Asked for at every scrape and by any thread: it must not wait for anything.
    public var health: @Sendable () -> AgentHealth
    /// Asks the reconciler for a run, and doesn't wait for it.
    public var reconcile: @Sendable () -> Void

    public init(health: @escaping @Sendable () -> AgentHealth, reconcile: @escaping @Sendable () -> Void) {
        self.health = health
        self.reconcile = reconcile
    }
}
