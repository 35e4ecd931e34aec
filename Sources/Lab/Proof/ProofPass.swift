import Policy

/// One of the two networks, without or with the guard.
struct ProofPass {
    let network: ProofNetwork
    let guardian: (any ProofGuardian)?

    var trial: Trial { Trial(network: network, guardian: guardian) }

    init(network: ProofNetwork, guardian: (any ProofGuardian)?) {
        self.network = network
        self.guardian = guardian
        try? network.startQuerier()
    }

    /// A network with the guard in force.
    static func guarded(by engine: Engine) throws -> ProofPass {
        let network = try ProofNetwork()
        return ProofPass(network: network, guardian: engine == .ebpf ? try ProofGuard(network) : try ClassicProofGuard(network))
    }

    func carryOut(_ scenario: Scenario) throws -> Trial.Outcome {
        var before: UInt64 = 0
        if let guardian, let reason = scenario.reason { before = try guardian.count(of: reason, at: scenario.countedAt) }
        let cameAbout = try scenario.body(self)
        var counted: UInt64 = 0
        if let guardian, let reason = scenario.reason { counted = try guardian.count(of: reason, at: scenario.countedAt) &- before }
        return Trial.Outcome(effects: [(.arrives(at: scenario.shownAt), cameAbout)], counted: counted)
    }
}
