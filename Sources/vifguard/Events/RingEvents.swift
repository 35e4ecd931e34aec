import Datapath
import EventStore
import Glibc
import Reporting

/// The events in the kernel's ring, which are gone from it once they are printed.
struct RingEvents {
    let filter: EventFilter
    let isJSON: Bool

    /// Prints those that wait; then, to follow, goes on until nobody reads the output any more.
    func print(of datapath: Datapath, follow: Bool) throws {
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
                guard Output.print(isJSON ? try Output.jsonLine(report) : report.line(Style.output)) else { return }
            }
            if !follow { return }
        }
    }

    /// Waits for events, a second at most; false once nobody reads the output any more (`vifguard events --follow | head`).
    private static func isRead(whileWaitingFor ring: EventRing) throws -> Bool {
        try Output.isRead(whileWaitingFor: ring.descriptor, atMost: 1000)
    }

    /// Whenever they happened: the ring isn't asked for times.
    private func wants(_ report: EventReport, _ event: GuardEvent) -> Bool {
        filter.matches(
            Violation(
                bridge: report.bridge, guest: report.guest, port: report.port, direction: event.direction, reason: event.reason,
                wasAudited: event.wasAudited))
    }
}

extension Output {
    /// Waits until something can be read, or the time is up; false once nobody reads our output any more.
    ///
    /// - Parameters:
    ///   - descriptor: -1 for nothing but the time.
    ///   - milliseconds: at most.
    static func isRead(whileWaitingFor descriptor: Int32, atMost milliseconds: Int32) throws -> Bool {
        var awaited = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)]
        guard poll(&awaited, 2, milliseconds) >= 0 || errno == EINTR else {
            throw Failure("can't wait for events: \(String(cString: strerror(errno))): try again")
        }
        return awaited[1].revents & Int16(POLLERR) == 0
    }
}
