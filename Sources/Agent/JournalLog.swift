import Foundation
import Logging
import Reporting

/// Writes log lines to standard error as the journal takes them: the severity before the text (sd-daemon(3)), and the
/// facts behind it as `key=value`. Elsewhere a time stands in place of the severity's number.
public struct JournalLog: LogHandler {
    public var logLevel: Logger.Level = .info
    public var metadata: Logger.Metadata = [:]
    private let isJournal: Bool
    private let lines: LogLines

    private static let standardError = LogLines(STDERR_FILENO)

    /// - Parameter isJournal: whether systemd's journal reads standard error (JOURNAL_STREAM).
    public init(isJournal: Bool) { self.init(isJournal: isJournal, to: Self.standardError) }

    init(isJournal: Bool, to lines: LogLines) {
        self.isJournal = isJournal
        self.lines = lines
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        lines.write(line(event.level, event.message, event.metadata)) { lost in
            line(.warning, "\(lost) lines before this one are lost: nobody read them in time", nil)
        }
    }

    func line(_ level: Logger.Level, _ message: Logger.Message, _ more: Logger.Metadata?) -> String {
        let facts = metadata.merging(more ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let words = facts.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
        let text = message.description.visible + words
        if isJournal { return "<\(Self.severity(level))>\(text)\n" }
        return "\(WallClock(nanoseconds: UInt64(max(0, Date().timeIntervalSince1970) * 1e9)).local) \(level.rawValue) \(text)\n"
    }

    /// As it is if it is one word; else in quotes.
    private static func quoted(_ value: String) -> String {
        let text = value.visible
        if !text.isEmpty, !text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// syslog(3)'s number.
    private static func severity(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
