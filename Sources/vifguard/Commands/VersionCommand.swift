import ArgumentParser
import Datapath
import Foundation

/// Which vifguard this is.
enum Version {
    static let current = "1.0.0"
}

/// `vifguard version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Say which vifguard this is, and on which kernel it runs.")

    @OptionGroup var json: JSONOption

    private struct Facts: Encodable {
        var version = Version.current
        /// Which kernel program it brings: `status` has that of the one in force.
        var program: String
        /// Of its maps.
        var layout = DatapathObject.layout
        var kernel: String
        var machine: String
    }

    func run() throws {
        var names = utsname()
        uname(&names)
        let program = try DatapathObject.embedded.identity()
        let facts = Facts(program: program, kernel: text(&names.release), machine: text(&names.machine))
        if json.isOn { return try Output.printJSON(facts) }
        Output.print("vifguard \(facts.version), on Linux \(facts.kernel) \(facts.machine)")
        Output.print("programs \(facts.program), map layout \(facts.layout)")
    }

    /// What a C array of characters says.
    private func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }.visible
    }
}
