import CLinux
import Glibc

/// A tap interface, as a hypervisor makes one for a guest: what is written to `descriptor` enters the host by the
/// interface, what the host sends out of it is read there, one Ethernet frame each. It lives until this is closed.
public final class Tap: Sendable {
    public let name: String
    public let descriptor: Int32

    /// - Parameter keepsPieces: what writev(2) is given in parts (each of 1 to 4096 bytes, 18 at most) stays apart in the
    ///   kernel's memory, as what a network card or a driver domain has put into several pages does.
    /// - Throws: `NetlinkError` if /dev/net/tun can't be opened or the name is taken.
    public init(_ name: String, keepsPieces: Bool = false) throws(NetlinkError) {
        try Link.checkName(name, action: "make the tap")
        descriptor = clinux_open_tap(name, keepsPieces ? 1 : 0)
        self.name = name
        guard descriptor >= 0 else {
            throw NetlinkError(action: "make the tap", interface: name, cause: .errno(errno, kernelMessage: nil))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
