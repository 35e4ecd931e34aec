import Addresses

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
