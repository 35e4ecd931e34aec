import Glibc
import Netlink

/// Waiting for what the kernel does on a thread of its own: a cable that was plugged in carries frames only when the
/// kernel has noticed the carrier (net/core/link_watch.c); a bridge port forwards only after that. Until then frames are
/// lost without a word.
enum Settling {
    private static let limit = Duration.seconds(60)

    /// Looks again and again, at first after a millisecond, until the condition holds.
    ///
    /// - Parameter what: as it reads after "can't wait for": "vif1.0 to run".
    static func wait(for what: String, until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + limit
        var pause: UInt32 = 1000
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                throw LabError(action: "wait for \(what)", reason: "it hasn't happened within \(limit); is the other end up?")
            }
            usleep(pause)
            pause = min(pause * 2, 100_000)
        }
    }

    /// Until the interface of the calling thread's namespace is up at both ends and sends what it is given.
    static func running(_ index: InterfaceIndex) throws {
        try wait(for: "interface \(index) to run") { try Link.numbered(index).isRunning }
    }

    /// Until the port forwards, and its bridge has noticed.
    static func forwarding(_ index: InterfaceIndex) throws {
        try wait(for: "bridge port \(index) to forward") {
            let port = try BridgePort.numbered(index)
            return try port.settings.state == .forwarding && Link.numbered(port.bridge).isRunning
        }
    }
}
