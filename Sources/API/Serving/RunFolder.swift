import Glibc

/// The folder that has the Unix socket. It belongs to root and the group, and nobody else gets into it.
///
/// As long as this lives, no other process makes a socket there.
final class RunFolder: Sendable {
    let path: String
    private let descriptor: Int32

    var socketPath: String { "\(path)/\(APIConfiguration.socketName)" }

    /// Makes the folder where there is none, and takes it.
    ///
    /// - Parameter group: nil for root alone.
    init(_ path: String, group: gid_t?) throws(APIError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system(action: "make the folder \(path)", errno: errno) }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(action: "open the folder \(path)", errno: errno) }
        do throws(APIError) { try Self.take(descriptor, path, group) } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func take(_ descriptor: Int32, _ path: String, _ group: gid_t?) throws(APIError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(action: "look at the folder \(path)", errno: errno) }
        guard status.st_uid == geteuid() else { throw .unsafeFolder(path: path, why: "the folder is user \(status.st_uid)'s: give it to root") }
        // Closed to all before it changes its group.
        guard fchmod(descriptor, 0o700) == 0, group.map({ fchown(descriptor, uid_t.max, $0) == 0 && fchmod(descriptor, 0o750) == 0 }) != false
        else { throw .system(action: "restrict the folder \(path)", errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { throw .inUse(path: path) }
            throw .system(action: "lock the folder \(path)", errno: errno)
        }
    }

    /// Removes a socket that nobody answers at.
    func makeRoom() throws(APIError) {
        var status = stat()
        guard lstat(socketPath, &status) == 0 else {
            if errno == ENOENT { return }
            throw .system(action: "look at \(socketPath)", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: socketPath) }
        if try ListeningSocket.isAnswered(socketPath) { throw .inUse(path: socketPath) }
        removeSocket()
    }

    func removeSocket() { unlink(socketPath) }
}

/// The number of a group; nil if there is none of that name.
func groupNumber(_ name: String) -> gid_t? {
    var entry = group()
    var buffer = [CChar](repeating: 0, count: 1 << 16)
    var found: UnsafeMutablePointer<group>?
    guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
    return entry.gr_gid
}
