import EventStore
import Glibc
import Packets
import Reporting

/// The frames that were kept, as a capture file for tcpdump and Wireshark.
enum CapturedEvents {
    private static let page = 1000

    /// Writes them in the order in which they were kept; a tag that travelled out of band is put back into its frame.
    ///
    /// - Parameters:
    ///   - limit: only the newest frames.
    ///   - path: `-` is standard output. A file is made for its owner alone: it holds what guests sent.
    static func write(_ reader: EventReader, _ filter: EventFilter, limit: Int?, to path: String) throws {
        let isOutput = path == "-"
        if isOutput, isatty(STDOUT_FILENO) == 1 {
            throw Failure("a capture isn't for terminals: give --pcap a file, or send the output to a program")
        }
        let file = isOutput ? STDOUT_FILENO : try open(path)
        defer { if !isOutput { close(file) } }
        var bytes = CaptureFile(packets: []).pcap()
        let header = bytes.count
        // Where the newest begin.
        var last = try limit.flatMap { try reader.sample(before: $0, filter) }
        while true {
            guard try write(bytes, to: file, path) else { return }
            let samples = try reader.samples(filter, after: last, limit: page)
            guard !samples.isEmpty else { return }
            last = samples.last?.id
            bytes = Array(CaptureFile(packets: samples.map(\.sample.packet)).pcap().dropFirst(header))
        }
    }

    private static func open(_ path: String) throws -> Int32 {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure("can't write \(path): \(reason): give --pcap a file in a folder of yours") }
        var status = stat()
        // One that was there before may have been anybody's to read.
        if fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, fchmod(file, 0o600) != 0 {
            let reason = reason
            close(file)
            throw Failure("can't keep \(path) to its owner: \(reason): give --pcap a file of yours")
        }
        return file
    }

    /// False if nobody reads any more.
    private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EPIPE { return false }
            guard count > 0 else { throw Failure("can't write the capture to \(path): \(reason): free the disk it lies on") }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
