import ArgumentParser
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
        var kernel: String
        var machine: String
    }

    func run() throws {
        var names = utsname()
        uname(&names)
        let facts = Facts(kernel: text(&names.release), machine: text(&names.machine))
        if json.isOn {
            try Output.printJSON(facts)
        } else {
            Output.print("vifguard \(facts.version), on Linux \(facts.kernel) \(facts.machine)")
        }
    }

    /// What a C array of characters says.
    private func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }.visible
    }
}
