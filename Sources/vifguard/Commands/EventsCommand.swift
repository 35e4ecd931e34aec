import Reporting
import ArgumentParser
import Datapath
import Glibc
import Policy

/// `vifguard events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print who tried what.", usage: "vifguard events [<options>]",
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
            if follow, try !Self.isRead(whileWaitingFor: ring) { return }
            let events = try ring.read()
            // Looking at the records now and then shows whether the ring is still the one in force.
            try names.refresh()
            for event in events {
                let report = EventReport(event, at: names[event.port], bridge: names[event.bridge])
                guard wants(report, event) else { continue }
                guard Output.print(json.isOn ? try Output.jsonLine(report) : report.line(Style.output)) else { return }
            }
            if !follow { return }
        }
    }

    /// Waits for events, a second at most; false once nobody reads the output any more (`vifguard events --follow | head`).
    private static func isRead(whileWaitingFor ring: EventRing) throws -> Bool {
        var awaited = [pollfd(fd: ring.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)]
        guard poll(&awaited, 2, 1000) >= 0 || errno == EINTR else {
            throw Failure("can't wait for events: \(String(cString: strerror(errno))): try again")
        }
        return awaited[1].revents & Int16(POLLERR) == 0
    }

    private func wants(_ report: EventReport, _ event: GuardEvent) -> Bool {
        (guest == nil || guest == report.guest) && (port == nil || port == report.port) && (reason == nil || reason == event.reason)
            && (direction == nil || direction == event.direction)
    }
}
