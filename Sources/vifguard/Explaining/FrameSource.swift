import Foundation
import Packets
import Reporting

/// Where the frames to be explained come from.
enum FrameSource {
    /// - Parameter source: `-`, a file's path, or a frame in hexadecimal.
    static func packets(_ source: String) throws -> [CaptureFile.Packet] {
        if source == "-" { return try FrameList.packets(in: try bytes(STDIN_FILENO, "standard input"), called: "standard input") }
        let descriptor = open(source, O_RDONLY | O_CLOEXEC)
        let error = errno
        if descriptor >= 0 {
            defer { close(descriptor) }
            return try FrameList.packets(in: try bytes(descriptor, source.visible), called: source.visible)
        }
        guard error == ENOENT || error == ENAMETOOLONG else {
            throw Failure("can't open \(source.visible): \(reason(error)): name a file that may be read")
        }
        do throws(Hex.ParseError) {
            return [CaptureFile.Packet(bytes: try Hex.bytes(parsing: source))]
        } catch {
            throw Failure("there is no file \(source.visible.cut(to: 60)), and it is no frame in hexadecimal either: \(error)")
        }
    }

    /// All that is read is kept in memory.
    private static let maximumBytes = 256 << 20

    private static func bytes(_ descriptor: Int32, _ name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure("can't read \(name): \(reason(errno)): give a capture file") }
            guard bytes.count + count <= maximumBytes else {
                throw Failure(
                    "\(name) goes on beyond \(maximumBytes >> 20) MiB, the most that is read: cut it up, as 'editcap -c 100000' does")
            }
            bytes += buffer[..<count]
        }
    }

    private static func reason(_ error: Int32) -> String { String(cString: strerror(error)) }
}
