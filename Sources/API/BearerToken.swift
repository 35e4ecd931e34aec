import Glibc

/// The secret that whoever asks by TCP has to show (RFC 6750, section 2.1).
struct BearerToken: Sendable {
    static let leastBytes = 32
    private static let mostBytes = 1024

    private let bytes: [UInt8]

    /// Reads a file's only line.
    ///
    /// - Throws: `APIError.badToken` if others than root and the file's group may read it, if it isn't root's, or if it is no
    ///   token of at least 32 characters.
    init(file path: String) throws(APIError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw .system(action: "read the token in \(path)", errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(action: "look at \(path)", errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .badToken(path: path, why: "it isn't a file") }
        guard status.st_uid == 0 else { throw .badToken(path: path, why: "the file must be root's: 'chown root \(path)'") }
        guard status.st_mode & 0o7777 & ~0o640 == 0 else {
            throw .badToken(path: path, why: "others may read or write the file: 'chmod 600 \(path)'")
        }
        var buffer = [UInt8](repeating: 0, count: Self.mostBytes + 1)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw .system(action: "read the token in \(path)", errno: errno) }
        guard count <= Self.mostBytes else { throw .badToken(path: path, why: "it is longer than \(Self.mostBytes) bytes") }
        var text = buffer[..<count]
        while text.last == 0x0a || text.last == 0x0d { text.removeLast() }
        guard let token = BearerToken(Array(text)) else {
            throw .badToken(
                path: path,
                why: "it must be one line of \(Self.leastBytes) characters or more, none of them a blank: 'openssl rand -hex 32' makes one")
        }
        self = token
    }

    /// nil if it has less than 32 characters or one that isn't printable ASCII.
    init?(_ bytes: [UInt8]) {
        guard (Self.leastBytes...Self.mostBytes).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        self.bytes = bytes
    }

    /// Whether a header `Authorization` shows it. How long that takes doesn't depend on how much of it is right.
    func isShown(by header: String?) -> Bool {
        guard let header, header.utf8.count <= Self.mostBytes + 16, let blank = header.firstIndex(of: " "),
            header[..<blank].lowercased() == "bearer"
        else { return false }
        let shown = Array(header[blank...].drop { $0 == " " }.utf8)
        var difference = UInt(bitPattern: shown.count ^ bytes.count)
        for index in shown.indices { difference |= UInt(shown[index] ^ bytes[index % bytes.count]) }
        return difference == 0
    }
}
