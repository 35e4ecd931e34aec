import Datapath
import Foundation

/// Which vifguard this is, and what it runs on.
package struct VersionFacts: Encodable, Sendable {
    /// Of this vifguard.
    package static let current = "1.0.0"

    package var version = Self.current
    /// Which kernel program it brings: `HostStatus` has that of the one in force.
    package var program: String
    /// Of its maps.
    package var layout = DatapathObject.layout
    package var kernel: String
    package var machine: String

    package init() throws {
        var names = utsname()
        uname(&names)
        program = try DatapathObject.embedded.identity()
        kernel = Self.text(&names.release)
        machine = Self.text(&names.machine)
    }

    /// What a C array of characters says.
    private static func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }.visible
    }
}
