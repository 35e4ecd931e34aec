import Addresses
import Policy

/// What the MAC of a tap says of the guest behind it: libvirt makes it `fe:` and the last five bytes of the guest's.
struct TapTail: Hashable, Sendable {
    private let bits: UInt64

    /// Of a guest's MAC.
    init(ofGuest mac: MACAddress) { bits = mac.rawValue & 0xff_ffff_ffff }

    /// Of a port's own; nil where that says nothing.
    init?(ofPort mac: MACAddress?) {
        guard let mac, mac.rawValue >> 40 == 0xfe else { return nil }
        self.init(ofGuest: mac)
    }
}

extension Binding {
    /// Whether the guest can be behind a tap with this MAC, as libvirt makes it: the guest's own with `fe` for its first byte, or
    /// `fa` where that is `fe` (src/util/virnetdevtap.c, virNetDevTapCreateInBridgePort).
    public func isBehind(tap: MACAddress?) -> Bool {
        guard let tap else { return false }
        return macs.contains { mac in
            let first: UInt64 = mac.rawValue >> 40 == 0xfe ? 0xfa : 0xfe
            return tap.rawValue == first << 40 | mac.rawValue & 0xff_ffff_ffff
        }
    }
}
