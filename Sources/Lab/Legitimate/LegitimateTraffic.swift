/// Traffic that honest machines send, by the kernel's own stack wherever it can: it must pass with and without the guard.
struct LegitimateTraffic: Sendable {
    let name: String
    /// Throws if it didn't pass.
    let body: @Sendable (ProofPass) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (ProofPass) throws -> Void) {
        self.name = name
        self.body = body
    }

    static let all: [LegitimateTraffic] = []
}
