import Addresses
import ArgumentParser
import Policy

// What options take, by the names of the modules that know them.
extension MACAddress: @retroactive ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
extension Mode: @retroactive ExpressibleByArgument {}
extension LinkLocalMode: @retroactive ExpressibleByArgument {}

extension Direction: @retroactive ExpressibleByArgument {
    public init?(argument: String) {
        guard let direction = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = direction
    }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { allCases.map(\.name) }
}

extension Reason: @retroactive ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { allCases.map(\.name) }
}
