import ArgumentParser
import Datapath
import EventStore
import Policy
import Reporting

/// `vifguard events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print who tried what.", usage: "vifguard events [<options>]",
        discussion: """
            Prints what the agent has recorded: a line for each violation and minute, of the last 24 hours unless --since says \
            otherwise. Times are so long ago (90s, 15m, 2h, 7d), a date or time of this host's (2026-03-01T12:00), or RFC 3339. \
            Where no agent has ever run, it takes the events that wait in the kernel's ring. With --json, one object a line.
            """)

    @Flag(help: "Go on with new events as they come.")
    var follow = false

    @Option(help: ArgumentHelp("Only this guest's.", valueName: "name"))
    var guest: String?

    @Option(help: ArgumentHelp("Only those at this port.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("Only those on this bridge.", valueName: "bridge"))
    var bridge: String?

    @Option(help: ArgumentHelp("Only those for this reason, such as arp-sender-ip.", valueName: "reason"))
    var reason: Reason?

    @Option(help: ArgumentHelp("Only those this way, such as from-guest.", valueName: "direction"))
    var direction: Direction?

    @Option(help: ArgumentHelp("Only those of this severity: violation, malformed or notice.", valueName: "severity"))
    var severity: Severity?

    @Option(help: ArgumentHelp("Not those that were over before (default: 24h).", valueName: "time"))
    var since: TimePoint?

    @Option(help: ArgumentHelp("Not those that began after.", valueName: "time"))
    var until: TimePoint?

    @Option(help: ArgumentHelp("Only the newest; so many lines at most.", valueName: "count"))
    var limit: Int?

    @Flag(help: "Print totals by guest and reason in place of single events.")
    var summary = false

    @Option(help: ArgumentHelp("Write the frames that were kept to a pcap file, or - for standard output.", valueName: "file"))
    var pcap: String?

    @OptionGroup var state: StateOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit \(limit): give a number of at least 1") }
        if let since, let until, since.nanoseconds > until.nanoseconds {
            throw ValidationError("--since is later than --until: nothing lies between them")
        }
        if summary, pcap != nil { throw ValidationError("--summary and --pcap are two outputs: give one") }
        if pcap != nil, json.isOn { throw ValidationError("--pcap and --json are two outputs: give one") }
        let isOfThePast = until != nil || limit != nil || summary || pcap != nil
        if follow, isOfThePast { throw ValidationError("--follow goes on for ever: it takes no --until, --limit, --summary or --pcap") }
    }

    func run() throws {
        let store = StoredEvents(folder: state.folder, filter: filter, isJSON: json.isOn)
        let ring = RingEvents(filter: filter, isJSON: json.isOn)
        if follow { return try follow(store, ring) }
        guard try store.reader.exists() else {
            // An agent that has just begun has recorded nothing yet, and what is in the ring is for it.
            if AgentLock.isHeld(in: state.folder), pcap == nil { return }
            // What only the store can tell.
            guard since == nil, until == nil, limit == nil, pcap == nil, !summary else { throw EventStoreError.missing(path: store.reader.path) }
            return try ring.print(of: pins.open(), follow: false)
        }
        if !AgentLock.isHeld(in: state.folder) {
            Output.warn(
                wrapped(
                    "vifguard: no agent runs: what happened since it ended isn't here; 'vifguard events --follow' reads the kernel's events",
                    indent: 4))
        }
        if let pcap { return try CapturedEvents.write(store.reader, filter, limit: limit, to: pcap) }
        if summary { return try store.printTotals(limit: limit ?? 1000) }
        _ = try store.print(limit: limit)
    }

    /// The agent takes the ring's events: where one runs, its store is what to look at.
    private func follow(_ store: StoredEvents, _ ring: RingEvents) throws {
        if AgentLock.isHeld(in: state.folder) { return try store.follow(withHistory: since != nil) }
        if since != nil, try store.reader.exists() {
            guard try store.print(limit: nil) else { return }
        }
        try ring.print(of: pins.open(), follow: true)
    }

    private var filter: EventFilter {
        let day = TimePoint("24h")
        return EventFilter(
            guest: guest, port: port, bridge: bridge, reason: reason, severity: severity, direction: direction,
            since: (since ?? day)?.nanoseconds, until: until?.nanoseconds)
    }
}
