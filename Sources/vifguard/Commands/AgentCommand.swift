import API
import Agent
import ArgumentParser
import EventStore
import Hypervisors
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

    @Option(help: ArgumentHelp("Days that events are kept (default: 30).", valueName: "days"))
    var eventDays: Int?

    @Option(help: ArgumentHelp("MiB that the store of events takes at most (default: 256).", valueName: "MiB"))
    var eventSpace: Int?

    @Option(help: ArgumentHelp("The group that may use the API's socket (default: \(APIConfiguration.defaultGroup)).", valueName: "group"))
    var group: String?

    @Option(help: ArgumentHelp("Offer the API by TCP, too, to those who show the token; such as 127.0.0.1:9470.", valueName: "host:port"))
    var listen: ListenAddress?

    @Option(help: ArgumentHelp("The file with the token for --listen, at least 32 characters, readable for root alone.", valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Where libvirt says which guests run (default: \(LiveDomains.defaultFolder)).", valueName: "dir"))
    var libvirt: String?

    @Flag(help: "Log more.")
    var verbose = false

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var state: StateOption
    @OptionGroup var runtime: RunOption

    mutating func validate() throws {
        if listen != nil, tokenFile == nil {
            throw ValidationError("--listen needs --token-file, a file with a token such as 'openssl rand -hex 32' gives")
        }
        if let interval, !(0.1...3600).contains(interval) { throw ValidationError("--interval \(interval): give 0.1 to 3600 seconds") }
        if let eventDays, !(1...3650).contains(eventDays) { throw ValidationError("--event-days \(eventDays): give 1 to 3650 days") }
        if let eventSpace, !(16...65536).contains(eventSpace) { throw ValidationError("--event-space \(eventSpace): give 16 to 65536 MiB") }
    }

    func run() async throws {
        let isJournal = environment("JOURNAL_STREAM") != nil
        LoggingSystem.bootstrap { _ in JournalLog(isJournal: isJournal) }
        var log = Logger(label: "vifguard")
        log.logLevel = verbose ? .debug : .info
        var options = AgentOptions(pins: pins.folder, policyPath: policy.path, state: state.folder, runFolder: runtime.folder)
        if let interval { options.interval = .milliseconds(Int(interval * 1000)) }
        let usual = EventLimits()
        options.eventLimits = EventLimits(days: eventDays ?? usual.days, bytes: eventSpace.map { $0 << 20 } ?? usual.bytes)
        if let group { options.group = group }
        let folder = libvirt ?? LiveDomains.defaultFolder
        options.guests = { try LiveDomains(folder: folder) }
        options.listen = listen
        options.tokenFile = tokenFile
        try await AgentRun.run(options, log: log)
    }
}

// "Kernel modules know nothing of hypervisors": here the two meet.
extension LiveDomains: GuestSource {}
