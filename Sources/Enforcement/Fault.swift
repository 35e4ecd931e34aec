/// What of a policy can't be carried out on this host, and why.
public struct Fault: Error, Hashable, Sendable, CustomStringConvertible, Encodable {
    /// How much of the plan a fault takes with it.
    public enum Scope: Hashable, Sendable {
        /// Nothing at all is changed.
        case policy
        /// This bridge is left as it is; others go on.
        case bridge(String)
        /// This guest keeps the binding it has, or its port is closed; others go on.
        case guest(String)
    }

    public let scope: Scope
    /// What is wrong, and what to do.
    public let message: String

    public init(_ scope: Scope, _ message: String) {
        self.scope = scope
        self.message = message
    }

    public var description: String {
        switch scope {
        case .policy: message
        case .bridge(let name): "bridge \(name): \(message)"
        case .guest(let name): "guest \(name): \(message)"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case bridge, guest, message
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch scope {
        case .policy: break
        case .bridge(let name): try container.encode(name, forKey: .bridge)
        case .guest(let name): try container.encode(name, forKey: .guest)
        }
        try container.encode(message, forKey: .message)
    }
}
