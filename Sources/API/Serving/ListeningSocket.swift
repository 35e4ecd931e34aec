import Glibc
import Logging

/// A socket that clients may connect to, bound and listening.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// By the Unix socket: the file's permissions say who may.
    let isLocal: Bool
    /// The path or the address.
    let name: String

    /// How many connections the kernel keeps until they are accepted.
    private static let backlog: Int32 = 64

    // MARK: TCP

    /// Listens at the first address that the host's name stands for.
    static func tcp(_ address: ListenAddress) throws(APIError) -> ListeningSocket {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard result == 0, let first = found else { throw .unknownHost(address, why: String(cString: gai_strerror(result))) }
        defer { freeaddrinfo(first) }
        let socket = try made(first.pointee.ai_family)
        do throws(APIError) {
            var yes: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            guard bind(socket, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, Glibc.listen(socket, backlog) == 0 else {
                throw .system(action: "listen at \(address)", errno: errno)
            }
        } catch {
            close(socket)
            throw error
        }
        return ListeningSocket(descriptor: socket, isLocal: false, name: "\(address)")
    }

    // MARK: Unix

    /// Makes the socket in its folder; both belong to root and the group. At no moment may anybody else use it: it gets
    /// its permissions before it has a name.
    ///
    /// - Parameter group: nil for root alone.
    /// - Throws: `APIError.inUse` if somebody answers there. A socket that nobody answers at is replaced.
    static func unix(_ folder: RunFolder, group: gid_t?) throws(APIError) -> ListeningSocket {
        let path = folder.socketPath
        try folder.makeRoom()
        let socket = try made(AF_UNIX)
        do throws(APIError) {
            // The file that bind(2) makes gets the socket's mode, less the umask (unix_bind_bsd in net/unix/af_unix.c).
            guard fchmod(socket, 0o600) == 0 else { throw .system(action: "restrict the socket \(path)", errno: errno) }
            let address = try unixAddress(path)
            guard withSocketAddress(address, { bind(socket, $0, $1) }) == 0 else { throw .system(action: "make the socket \(path)", errno: errno) }
            if let group {
                guard lchown(path, uid_t.max, group) == 0, chmod(path, 0o660) == 0 else {
                    throw .system(action: "give the socket \(path) to its group", errno: errno)
                }
            }
            guard Glibc.listen(socket, backlog) == 0 else { throw .system(action: "listen at \(path)", errno: errno) }
        } catch {
            close(socket)
            throw error
        }
        return ListeningSocket(descriptor: socket, isLocal: true, name: path)
    }

    private static func made(_ family: Int32) throws(APIError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .system(action: "make a socket", errno: errno) }
        return descriptor
    }

    /// Whether a process listens at the path.
    static func isAnswered(_ path: String) throws(APIError) -> Bool {
        let address = try unixAddress(path)
        let socket = try made(AF_UNIX)
        defer { close(socket) }
        if withSocketAddress(address, { connect(socket, $0, $1) }) == 0 { return true }
        switch errno {
        case ECONNREFUSED, ENOENT: return false
        case EAGAIN, EINPROGRESS: return true  // more wait to be accepted than it keeps
        default: throw .system(action: "see whether somebody listens at \(path)", errno: errno)
        }
    }

    private static func unixAddress(_ path: String) throws(APIError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room, !bytes.contains(0) else { throw .pathTooLong(path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func withSocketAddress(_ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
