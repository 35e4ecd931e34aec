import Agent
import ArgumentParser
import Foundation
import Logging

/// `vifguard agent`
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Watch over the host: bind new ports, put right what drifts, record who tries what.",
        discussion: """
            Runs until SIGTERM or ^C; SIGHUP reads the policy again. It keeps no state that the guard needs: when it ends, or is \
            killed, what is in force stays in force, and only new ports stay closed until it is back.
            """)

    @Option(help: ArgumentHelp("Seconds between two inspections of the whole host (default: 10).", valueName: "seconds"))
    var interval: Double?

    @Flag(help: "Log more.")
    var verbose = false

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption

    mutating func validate() throws {
        if let interval, !(0.1...3600).contains(interval) { throw ValidationError("--interval \(interval): give 0.1 to 3600 seconds") }
    }

    func run() async throws {
        let isJournal = environment("JOURNAL_STREAM") != nil
        LoggingSystem.bootstrap { _ in JournalLog(isJournal: isJournal) }
        var log = Logger(label: "vifguard")
        log.logLevel = verbose ? .debug : .info
        var options = AgentOptions(pins: pins.folder, policyPath: policy.path, stateFolder: "/var/lib/vifguard", runFolder: "/run/vifguard")
        if let interval { options.interval = .milliseconds(Int(interval * 1000)) }
        try await AgentRun.run(options, log: log)
    }
}
