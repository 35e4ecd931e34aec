import Foundation

/// What /proc tells of a process (proc_pid_status(5), proc_pid_stat(5)).
public struct ProcessFigures: Sendable {
    public let id: pid_t

    public init(_ id: pid_t) { self.id = id }

    /// Resident memory, in bytes.
    ///
    /// - Throws: `LabError` if the process is over.
    public func memory() throws(LabError) -> Int {
        let status = try text("status")
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) })
        else { throw LabError(action: "read the memory of process \(id)", reason: "VmRSS isn't in its status: it has ended") }
        return kilobytes * 1024
    }

    /// CPU seconds of all its threads, its own and the kernel's for it.
    ///
    /// - Throws: `LabError` if there is no such process.
    public func seconds() throws(LabError) -> Double {
        // The name, in parentheses, may hold blanks.
        let fields = try text("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw LabError(action: "read the time of process \(id)", reason: "its stat has no such fields")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// CPU time of the thread of that name, in nanoseconds.
    ///
    /// - Throws: `LabError` if there is no such process, or no such thread.
    public func nanoseconds(ofThread name: String) throws(LabError) -> UInt64 {
        for thread in try files("task") {
            guard (try? text("task/\(thread)/comm")) == name + "\n" else { continue }
            guard let time = try text("task/\(thread)/schedstat").split(separator: " ").first.flatMap({ UInt64($0) }) else { break }
            return time
        }
        throw LabError(action: "read the time of thread \(name)", reason: "process \(id) has no such thread")
    }

    /// - Throws: `LabError` if the process is over.
    public func openFiles() throws(LabError) -> Int { try files("fd").count }

    /// Whether it has ended: the kernel keeps what is left of it until it is reaped.
    public var isOver: Bool { (try? text("status"))?.contains("State:\tZ") ?? true }

    private func text(_ file: String) throws(LabError) -> String {
        do { return try String(contentsOfFile: "/proc/\(id)/\(file)", encoding: .utf8) } catch { throw unreadable(file) }
    }

    private func files(_ folder: String) throws(LabError) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/\(folder)") } catch { throw unreadable(folder) }
    }

    private func unreadable(_ what: String) -> LabError { LabError(action: "read \(what) of process \(id)", reason: "it has ended") }
}
