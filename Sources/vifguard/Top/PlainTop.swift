import Glibc
import Reporting

/// `top` where no terminal is: a snapshot after each interval, for pipes and scripts.
struct PlainTop {
    var watch: HostWatch
    /// Nanoseconds.
    var interval: UInt64
    /// How many snapshots; nil: until nobody reads them any more.
    var count: Int?
    var isJSON: Bool

    mutating func run() throws {
        var next = WallClock.now(CLOCK_MONOTONIC)
        var printed = 0
        while count.map({ printed < $0 }) ?? true {
            next += interval
            guard Self.isRead(until: next) else { return }
            next = max(next, WallClock.now(CLOCK_MONOTONIC))
            let snapshot = try watch.look()
            let isFirst = printed == 0
            printed += 1
            guard Output.print(isJSON ? try Output.jsonLine(TopReport(snapshot)) : text(snapshot, isFirst)) else { return }
        }
    }

    private func text(_ snapshot: TopSnapshot, _ isFirst: Bool) -> String {
        let size = WindowSize(columns: Output.columns, lines: .max)
        let view = TopView(snapshot, TopState(), size, Style(isOn: false), interval: Double(interval) / 1e9)
        return (isFirst ? "" : "\n") + view.plainLines.joined(separator: "\n")
    }

    /// Waits; false as soon as nobody reads the output any more (`vifguard top | head`).
    private static func isRead(until time: UInt64) -> Bool {
        while true {
            let now = WallClock.now(CLOCK_MONOTONIC)
            if now >= time { return true }
            var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
            if poll(&output, 1, Int32(clamping: (time - now) / 1_000_000 + 1)) > 0, output.revents & Int16(POLLERR | POLLHUP) != 0 { return false }
        }
    }
}
