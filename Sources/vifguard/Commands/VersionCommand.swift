import ArgumentParser
import Reporting

/// `vifguard version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Say which vifguard this is, and on which kernel it runs.")

    @OptionGroup var json: JSONOption

    func run() throws {
        let facts = try VersionFacts()
        if json.isOn { return try Output.printJSON(facts) }
        Output.print("vifguard \(facts.version), on Linux \(facts.kernel) \(facts.machine)")
        Output.print("programs \(facts.program), map layout \(facts.layout)")
    }
}
