import Reporting
import ArgumentParser
import Glibc
import Lab
import Policy

/// `vifguard prove`
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Attack a throw-away network, with and without the guard.",
        usage: "vifguard prove [<options>]",
        discussion: """
            Builds a network of namespaces twice over, one without and one with the guard, and tries on both every attack of a \
            catalogue and every kind of legitimate traffic. The host's own network isn't touched, and nothing stays behind. \
            Needs root.
            """)

    @Option(help: ArgumentHelp("Only cases whose name or reason contains this.", valueName: "text"))
    var filter: String?

    @Option(help: ArgumentHelp("What guards: ebpf or classic (default: ebpf).", valueName: "engine"))
    var engine: Engine?

    @Option(help: ArgumentHelp("Write each attack's frames into a capture file in this folder.", valueName: "dir"))
    var pcap: String?

    @Flag(help: "Afterwards show a guarded bridge, and how to guard a real one.")
    var demonstrate = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if demonstrate, engine == .classic { throw ValidationError("--demonstrate shows the engine ebpf: leave --engine out") }
        if demonstrate, json.isOn { throw ValidationError("--demonstrate is for people: leave --json out") }
    }

    func run() throws {
        guard geteuid() == 0 else { throw Failure("the network can't be built by just anybody: run as root") }
        let engine = engine ?? .ebpf
        let options = Proof.Options(filter: filter, engine: engine, captures: pcap)
        if json.isOn {
            let report = try Proof.run(options)
            try Output.printJSON(report)
            if !report.isAsExpected { throw ExitCode.failure }
            return
        }
        let style = Style.output
        Output.print(style.faint(ProofReport.heading(engine)))
        let report = try Proof.run(options) { Output.print($0.isProven ? $0.line.visibleLines : style.red($0.line.visibleLines)) }
        if report.entries.isEmpty {
            throw Failure("no case has \((filter ?? "").visible) in its name or reason: 'vifguard prove' lists all")
        }
        Output.print("")
        Output.print(report.isProven ? style.green(report.summary) : style.red(report.summary))
        if engine == .classic { Output.print(wrapped(Self.classicVerdict)) }
        if demonstrate { try Demonstration.show(style) }
        if !report.isAsExpected { throw ExitCode.failure }
    }

    private static let classicVerdict = """
        What succeeded gets through the rules of the classic engine, and what failed is broken by them. 'vifguard prove' shows the \
        same with the engine ebpf.
        """
}

extension ProofReport {
    /// The classic engine demonstrates what it does; only the other has to do all.
    fileprivate var isAsExpected: Bool { engine == .ebpf ? isProven : isDecided }
}
