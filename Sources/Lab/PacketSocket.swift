import CLinux
import Glibc
import Netlink

/// A packet socket (packet(7)) on one interface: whole Ethernet frames, past the IP stack.
final class PacketSocket: Sendable {
    let descriptor: Int32

    /// Opened in the calling thread's network namespace.
    ///
    /// - Parameter listens: whether it takes a copy of every frame of the interface.
    init(on interface: String, listens: Bool) throws {
        let index = try Link.named(interface).index
        // With a protocol it would hear all interfaces until it is bound to one.
        descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw LabError(action: "open a packet socket") }
        if listens {
            set(SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            set(SOL_PACKET, PACKET_AUXDATA, 1)
        }
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = listens ? UInt16(ETH_P_ALL).bigEndian : 0
        address.sll_ifindex = Int32(bitPattern: index)
        let bound = withUnsafeBytes(of: &address) {
            bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard bound == 0 else { throw LabError(action: "bind a packet socket to \(interface)") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        _ = withUnsafeBytes(of: value) { setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) }
    }
}
