import Foundation
import Reporting

/// Where the command's words go: what was asked for to standard output, what went wrong to standard error.
enum Output {
    static let columns = textColumns

    /// Prints lines. Output is for people and pipes, so nothing of what it says is left for a terminal to interpret:
    /// the caller passes text from elsewhere through `visible`.
    ///
    /// - Returns: false if nobody reads any more.
    @discardableResult
    static func print(_ text: String) -> Bool {
        if let error = write(text + "\n", to: STDOUT_FILENO) {
            if error == EPIPE { return false }
            warn("vifguard: can't write the output: \(String(cString: strerror(error))): free the disk it goes to")
            exit(1)
        }
        return true
    }

    static func print(_ lines: [String]) { if !lines.isEmpty { print(lines.joined(separator: "\n")) } }

    /// Prints a value over several lines.
    static func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// A value on one line.
    static func jsonLine(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Says something to standard error.
    static func warn(_ text: String) { _ = write(text + "\n", to: STDERR_FILENO) }

    /// - Returns: the errno; nil if all was written.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return errno }
            rest = rest.dropFirst(count)
        }
        return nil
    }
}
