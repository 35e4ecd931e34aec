import Glibc
import Lab
import Netlink

extension NetworkNamespace {
    /// Runs the command in the namespace with a file of those lines as its last word.
    func output(of command: [String], with lines: [String]) throws {
        // A file without a name: nothing of it is left, whatever happens.
        guard let file = tmpfile() else { throw LabError(action: "make a file of rules", reason: "\(SystemErrorNumber.current)") }
        defer { fclose(file) }
        guard fputs(lines.joined(separator: "\n") + "\n", file) >= 0, fflush(file) == 0 else {
            throw LabError(action: "write a file of rules", reason: "\(SystemErrorNumber.current)")
        }
        _ = try output(of: command + ["/proc/\(getpid())/fd/\(fileno(file))"], atMost: .seconds(120))
    }
}
