import Addresses
import Netlink
import Policy
import Testing

@testable import Enforcement

/// Which guest is behind a port that has just joined, by what the port alone says.
struct PlugIndexTests {
    private static func interface(_ guest: String, port: String? = nil, bridge: String = "br0", mac: String) -> GuestInterface {
        GuestInterface(port: port, bridge: bridge, binding: Binding(guest: guest, macs: [MACAddress(mac)!]))
    }

    private let index = PlugIndex(
        HostPolicy(interfaces: [
            interface("named", port: "vif1.0", mac: "02:00:00:00:00:01"), interface("tap", mac: "02:00:00:00:00:02"),
            interface("twin-a", mac: "02:00:00:00:00:03"), interface("twin-b", mac: "52:00:00:00:00:03"),
            interface("elsewhere", bridge: "br1", mac: "02:00:00:00:00:04"),
        ]))
    private let bridge = Link(index: 1, name: "br0")

    private func guest(_ name: String, mac: String? = nil, others: [Link] = []) -> String? {
        let link = Link(index: 7, name: name, macAddress: mac.flatMap(MACAddress.init), bridge: 1)
        return index.interface(at: link, bridge: bridge, among: others + [bridge, link])?.binding.guest
    }

    @Test func `a port is known by its name, or by the MAC that libvirt gives a tap`() {
        #expect(guest("vif1.0") == "named")
        #expect(guest("vnet0", mac: "fe:00:00:00:00:02") == "tap")
        #expect(guest("vif2.0") == nil)
    }

    @Test func `a MAC that isn't a tap's says nothing, nor does one of another bridge's guest`() {
        // Whoever makes a veth may give it any MAC: that of a guest is no sign of the guest.
        #expect(guest("vnet0", mac: "02:00:00:00:00:02") == nil)
        #expect(guest("vnet0", mac: "fe:00:00:00:00:04") == nil)
        #expect(guest("vnet0", mac: "fe:00:00:00:00:01") == nil, "it has a port of its own")
    }

    @Test func `where two answers are possible none is given`() {
        #expect(guest("vnet0", mac: "fe:00:00:00:00:03") == nil)
        let other = Link(index: 8, name: "vnet1", macAddress: MACAddress("fe:00:00:00:00:02"), bridge: 1)
        #expect(guest("vnet0", mac: "fe:00:00:00:00:02", others: [other]) == nil)
        let abroad = Link(index: 8, name: "vnet1", macAddress: MACAddress("fe:00:00:00:00:02"), bridge: 2)
        #expect(guest("vnet0", mac: "fe:00:00:00:00:02", others: [abroad]) == "tap")
    }
}
