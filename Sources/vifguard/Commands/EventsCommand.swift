import ArgumentParser
import Datapath
import Policy

/// `vifguard events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print who tried what.",
        discussion: """
            Prints the events that wait in the kernel's ring, and takes them out of it: what one reader has taken, no other \
            sees. With --json, one object a line.
            """)

    @Flag(help: "Go on with new events as they come.")
    var follow = false

    @Option(help: ArgumentHelp("Only this guest's.", valueName: "name"))
    var guest: String?

    @Option(help: ArgumentHelp("Only those at this port.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("Only those for this reason, such as arp-sender-ip.", valueName: "reason"))
    var reason: Reason?

    @Option(help: ArgumentHelp("Only those this way, such as from-guest.", valueName: "direction"))
    var direction: Direction?

    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let datapath = try pins.open()
        let ring = try datapath.eventRing()
        var names = PortNames(datapath)
        while true {
            // Looking at the records now and then shows whether the ring is still the one in force.
            let events = try ring.read(waiting: follow ? 1000 : 0)
            try names.refresh()
            for event in events {
                let report = EventReport(event, at: names[event.port], bridge: names[event.bridge])
                guard wants(report, event) else { continue }
                guard Output.print(json.isOn ? try Output.jsonLine(report) : report.line(Style.output)) else { return }
            }
            if !follow { return }
        }
    }

    private func wants(_ report: EventReport, _ event: GuardEvent) -> Bool {
        (guest == nil || guest == report.guest) && (port == nil || port == report.port) && (reason == nil || reason == event.reason)
            && (direction == nil || direction == event.direction)
    }
}

/// Which port and guest an interface's number stands for.
struct PortNames {
    private let datapath: Datapath
    private var ports: [UInt32: PortStatus] = [:]
    private var last: ContinuousClock.Instant?

    init(_ datapath: Datapath) { self.datapath = datapath }

    subscript(index: UInt32) -> PortStatus? { ports[index] }

    /// Looks again, once a second at most. What is gone by now is still known by its last name.
    mutating func refresh() throws {
        if let last, last.duration(to: .now) < .seconds(1) { return }
        last = .now
        for port in try datapath.ports() { ports[port.port.index] = port }
    }
}
