import Glibc
import Netlink
import Reporting

/// Why the API can't be offered: what is wrong, where, and what to do.
public enum APIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed; `action` reads after "can't".
    case system(action: String, errno: Int32)
    /// The folder isn't such that a socket in it would be safe.
    case unsafeFolder(path: String, why: String)
    /// Another process answers there already.
    case inUse(path: String)
    /// Something else has the socket's name.
    case notASocket(path: String)
    /// The path is longer than a Unix socket's may be.
    case pathTooLong(String)
    /// By TCP nobody is asked for without a token.
    case noTokenFile
    /// The file's token isn't one, or isn't secret.
    case badToken(path: String, why: String)
    /// There is no such host.
    case unknownHost(ListenAddress, why: String)

    public var description: String {
        switch self {
        case .system(let action, let errno): "can't \(action): \(SystemErrorNumber(errno))"
        case .unsafeFolder(let path, let why): "no socket can be made in \(path.visible): \(why)"
        case .inUse(let path): "somebody listens at \(path.visible) already, another agent it seems: give --run another folder, or end that one"
        case .notASocket(let path): "\(path.visible) is there and is no socket: remove it"
        case .pathTooLong(let path): "\(path.visible) is too long for a Unix socket, which may have 107 bytes: give --run a shorter folder"
        case .noTokenFile: "to listen by TCP a token is needed: give --token-file a file that has one, such as of 'openssl rand -hex 32'"
        case .badToken(let path, let why): "the token in \(path.visible) can't be used: \(why)"
        case .unknownHost(let address, let why): "can't listen at \(address): \(why): give an address of this host, such as 127.0.0.1:9470"
        }
    }
}
