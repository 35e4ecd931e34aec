import Enforcement
import Logging
import Synchronization
import Testing

@testable import Agent

struct ReportLogTests {
    /// Keeps lines in place of writing them.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var logger: Logger {
            Logger(label: "test") { _ in Handler(lines: self) }
        }

        func add(_ line: String) { lines.withLock { $0.append(line) } }

        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }

        private struct Handler: LogHandler {
            let lines: Lines
            var logLevel = Logger.Level.trace
            var metadata: Logger.Metadata = [:]

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) { lines.add("\(event.level) \(event.message)") }
        }
    }

    private func report(_ faults: [String] = [], warnings: [String] = []) -> Report {
        Report(plan: Plan(faults: faults.map { Fault(.guest("www"), $0) }, warnings: warnings))
    }

    @Test func `what is wrong is told when it begins and when it is over, and not in between`() {
        let lines = Lines()
        var log = ReportLog(lines.logger)
        log.tell(report(["no room"], warnings: ["odd"]), because: [.start], isWhole: true)
        #expect(lines.take() == ["error guest www: no room", "warning odd"])
        log.tell(report(["no room"], warnings: ["odd"]), because: [.inspection], isWhole: true)
        #expect(lines.take().isEmpty)
        log.tell(report(warnings: ["odd"]), because: [.inspection], isWhole: true)
        #expect(lines.take() == ["notice no longer: guest www: no room"])
    }

    @Test func `a report of one port ends nothing that is told of the host`() {
        let lines = Lines()
        var log = ReportLog(lines.logger)
        log.tell(report(["no room"]), because: [.start], isWhole: true)
        _ = lines.take()
        log.tell(report(), because: [.joined(port: "vif1.0", bridge: "br0")], isWhole: false)
        log.tell("the maps can't be read")
        #expect(lines.take() == ["error the maps can't be read"])
        log.tell(report(), because: [.inspection], isWhole: true)
        #expect(lines.take() == ["notice no longer: guest www: no room", "notice no longer: the maps can't be read"])
    }
}
