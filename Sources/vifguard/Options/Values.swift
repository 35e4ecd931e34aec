import API
import ArgumentParser
import Policy
import Reporting

// Words that options take, as output and JSON write them.
extension Direction: ExpressibleByArgument {
    public init?(argument: String) {
        guard let direction = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = direction
    }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { allCases.map(\.name) }
}

extension Reason: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { allCases.map(\.name) }
}

extension Severity: ExpressibleByArgument {}

extension TimePoint: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension ListenAddress: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
