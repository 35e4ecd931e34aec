import Glibc
import Reporting

/// The host's log, for commands that nobody looks at while they run. What went wrong is said to standard error as well.
enum SystemLog {
    static func info(_ text: String) { write(text, LOG_INFO) }
    static func warning(_ text: String) { write(text, LOG_WARNING) }
    static func error(_ text: String) { write(text, LOG_ERR) }

    private static func write(_ text: String, _ priority: Int32) {
        let line = text.visibleLines.replacing("\n", with: " ")
        let hasLog = access("/dev/log", W_OK) == 0
        if priority == LOG_ERR || !hasLog { Output.warn("vifguard: \(line)") }
        guard hasLog else { return }
        // Kept by the C library as long as the process runs.
        openlog("vifguard", LOG_PID, LOG_DAEMON)
        line.withCString { line in withVaList([line]) { vsyslog(priority, "%s", $0) } }
        closelog()
    }
}
