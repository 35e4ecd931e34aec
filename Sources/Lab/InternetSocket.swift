import Addresses
import CLinux
import Glibc
import Netlink

/// A socket of the kernel's own stack, in the namespace of the thread that makes it. No call blocks for longer than it
/// is told to.
final class InternetSocket: Sendable {
    enum Family: Sendable { case v4, v6 }

    enum Kind: Sendable {
        case datagram, stream
        /// Echo requests and replies, of ICMP or ICMPv6.
        case echo
    }

    struct Datagram {
        let bytes: [UInt8]
        let source: IPAddress
        let port: UInt16
    }

    let descriptor: Int32
    let family: Family
    private let interface: UInt32

    /// - Parameters:
    ///   - address: nil for all.
    ///   - port: 0 for one that the kernel chooses.
    ///   - interface: the card's name, for link-local addresses and groups.
    init(_ kind: Kind, family: Family, address: IPAddress? = nil, port: UInt16 = 0, interface: String? = nil) throws {
        self.family = family
        self.interface = try interface.map { try Link.named($0).index } ?? 0
        let domain = family == .v4 ? AF_INET : AF_INET6
        let proto = kind == .echo ? (family == .v4 ? Int32(IPPROTO_ICMP) : Int32(IPPROTO_ICMPV6)) : 0
        let type = kind == .datagram ? SOCK_DGRAM : kind == .stream ? SOCK_STREAM : SOCK_RAW
        descriptor = socket(domain, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), proto)
        guard descriptor >= 0 else { throw LabError(action: "open a socket") }
        set(SOL_SOCKET, SO_REUSEADDR, 1)
        set(SOL_SOCKET, SO_BROADCAST, 1)
        if family == .v6 { set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        if kind == .echo || (address == nil && port == 0) { return }
        guard Self.withAddress(family, address, port, self.interface, { bind(descriptor, $0, $1) }) == 0 else {
            throw LabError(action: "bind a socket to \(address?.description ?? "*") port \(port)")
        }
    }

    /// A connection that was accepted.
    private init(accepted descriptor: Int32, family: Family) {
        self.descriptor = descriptor
        self.family = family
        interface = 0
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        _ = withUnsafeBytes(of: value) { setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) }
    }

    func option(_ level: Int32, _ option: Int32) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, level, option, &value, &size)
        return value
    }

    /// Sends from this address of the machine's.
    func speak(as address: IPAddress) throws {
        guard Self.withAddress(family, address, 0, interface, { bind(descriptor, $0, $1) }) == 0 else {
            throw LabError(action: "send from \(address)")
        }
    }

    /// How many hops what is sent may take.
    func setHops(_ hops: Int32) {
        if family == .v4 { set(Int32(IPPROTO_IP), IP_TTL, hops) } else { set(Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, hops) }
    }

    /// Joins a group on the socket's card.
    func join(_ group: IPAddress) throws {
        let result: Int32
        switch group {
        case .v4(let address):
            var request = ip_mreqn()
            request.imr_multiaddr.s_addr = address.rawValue.bigEndian
            request.imr_ifindex = Int32(interface)
            result = setsockopt(descriptor, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request, socklen_t(MemoryLayout<ip_mreqn>.size))
        case .v6(let address):
            var request = ipv6_mreq()
            withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { $0.copyBytes(from: address.bytes) }
            request.ipv6mr_interface = interface
            result = setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_ADD_MEMBERSHIP, &request, socklen_t(MemoryLayout<ipv6_mreq>.size))
        }
        guard result == 0 else { throw LabError(action: "join the group \(group)") }
    }

    /// Sends groups out of the socket's card, some hops far.
    func sendGroupsOutOfCard() {
        if family == .v4 {
            var request = ip_mreqn()
            request.imr_ifindex = Int32(interface)
            setsockopt(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, &request, socklen_t(MemoryLayout<ip_mreqn>.size))
            set(Int32(IPPROTO_IP), IP_MULTICAST_TTL, 4)
        } else {
            set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, Int32(interface))
            set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, 4)
        }
    }

    // MARK: Datagrams

    /// - Returns: 0, or the errno.
    @discardableResult
    func send(_ bytes: [UInt8], to address: IPAddress, port: UInt16 = 0) -> Int32 {
        let sent = Self.withAddress(family, address, port, interface) { pointer, size in
            bytes.withUnsafeBytes { sendto(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), pointer, size) }
        }
        return sent == bytes.count ? 0 : errno
    }

    /// The next datagram; nil if none came in time.
    func receive(within limit: Duration) throws -> Datagram? {
        guard wait(for: POLLIN, within: limit) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 70_000)
        var sender = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let length = withUnsafeMutableBytes(of: &sender) { sender in
            buffer.withUnsafeMutableBytes {
                recvfrom(descriptor, $0.baseAddress, $0.count, 0, sender.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
            }
        }
        guard length >= 0 else { return nil }
        let (address, port) = Self.address(in: sender)
        return Datagram(bytes: Array(buffer[..<length]), source: address, port: port)
    }

    // MARK: Streams

    func listen() throws { guard Glibc.listen(descriptor, 8) == 0 else { throw LabError(action: "listen for connections") } }

    func connect(to address: IPAddress, port: UInt16) throws {
        let result = Self.withAddress(family, address, port, interface) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { throw LabError(action: "connect to \(address) port \(port)") }
    }

    func accept(within limit: Duration) throws -> InternetSocket? {
        guard wait(for: POLLIN, within: limit) else { return nil }
        let accepted = clinux_accept(descriptor)
        guard accepted >= 0 else { throw LabError(action: "accept a connection") }
        return InternetSocket(accepted: accepted, family: family)
    }

    /// Sends as much as there is room for; the number of bytes.
    func push(_ bytes: ArraySlice<UInt8>) -> Int {
        max(0, bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) })
    }

    /// What has arrived.
    func pull() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let length = recv(descriptor, &buffer, buffer.count, 0)
        return length > 0 ? Array(buffer[..<length]) : []
    }

    func wait(for events: Int32, within limit: Duration) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let milliseconds = max(0, (limit / .milliseconds(1)).rounded(.up))
        while true {
            let ready = poll(&waiting, 1, Int32(min(milliseconds, 1e6)))
            if ready < 0, errno == EINTR { continue }
            return ready > 0
        }
    }

    // MARK: Addresses

    private static func withAddress<T>(
        _ family: Family, _ address: IPAddress?, _ port: UInt16, _ interface: UInt32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T
    ) -> T {
        var storage = sockaddr_storage()
        let size: Int
        if family == .v4 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            if case .v4(let address)? = address { name.sin_addr.s_addr = address.rawValue.bigEndian }
            size = MemoryLayout<sockaddr_in>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: name, as: sockaddr_in.self) }
        } else {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_scope_id = interface
            if case .v6(let address)? = address { withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.bytes) } }
            size = MemoryLayout<sockaddr_in6>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: name, as: sockaddr_in6.self) }
        }
        return withUnsafeBytes(of: &storage) {
            body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        }
    }

    private static func address(in storage: sockaddr_storage) -> (IPAddress, UInt16) {
        withUnsafeBytes(of: storage) { bytes in
            let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            if Int32(storage.ss_family) == AF_INET6 { return (IPAddress(bytes: bytes[8..<24])!, port) }
            return (IPAddress(bytes: bytes[4..<8])!, port)
        }
    }
}
