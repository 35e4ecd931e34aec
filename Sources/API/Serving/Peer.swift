import Addresses
import Glibc
import NIOCore

/// Who is at the other end of a connection.
enum Peer: Hashable, Sendable, CustomStringConvertible {
    /// A process on this host, by the Unix socket: who it was when it connected (SO_PEERCRED of unix(7)).
    case process(user: UInt32, number: Int32)
    /// By the Unix socket; the kernel doesn't say who.
    case local
    /// By TCP, at this address.
    case remote(String)

    /// For logs: nothing in it is the peer's own word.
    var description: String {
        switch self {
        case .process(let user, let number): "user \(user), process \(number)"
        case .local: "the Unix socket"
        case .remote(let address): "TCP address \(address)"
        }
    }

    /// What its connections are counted under: the user or the address, of IPv6 the /64, all of which one machine may use.
    var account: String {
        switch self {
        case .process(let user, _): "user \(user)"
        case .local: "local"
        case .remote(let address): IPv6Address(address).flatMap { IPv6Prefix(masking: $0, length: 64) }?.description ?? address
        }
    }

    /// Asks the kernel; to be called on the channel's event loop.
    static func of(_ channel: any Channel, isLocal: Bool) -> EventLoopFuture<Peer> {
        guard isLocal else {
            return channel.eventLoop.makeSucceededFuture(.remote(channel.remoteAddress?.ipAddress ?? "unknown"))
        }
        guard let options = channel as? any SocketOptionProvider else { return channel.eventLoop.makeSucceededFuture(.local) }
        let credentials: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET), name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.map { Peer.process(user: $0.user, number: $0.process) }.flatMapErrorThrowing { _ in .local }
    }

    /// `struct ucred` of unix(7).
    private struct Credentials: Sendable {
        var process: Int32
        var user: UInt32
        var group: UInt32
    }
}
