import FakeXen
import Foundation
import Lab
import Netlink
import Testing

/// What hypervisors call, where the policy says `engine: classic`.
@Suite(.timeLimit(.minutes(5)))
struct ClassicHypervisorTests {
    private func rules(of port: String, _ host: NetworkNamespace) throws -> [String] {
        let lists = [["iptables", "-S", "FORWARD"], ["ip6tables", "-S", "FORWARD"], ["arptables-legacy", "-n", "-L", "FORWARD"]]
        return try lists.flatMap { try host.output(of: $0).split(separator: "\n").map(String.init) }.filter { $0.contains(port) }
    }

    @Test func `xl's guest has its rules when its card is up, and none when it is gone`() throws {
        let xen = try XenFixture(policy: "engine: classic\n" + XenFixture.policy)
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7 2001:db8::7")
        try xen.makePort("vif7.0")
        let online = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(online.succeeded, "\(online.errors)")
        // Three of ARP for the port, three for the IPv4 address, two for the IPv6 address.
        let own = try rules(of: "vif7.0", xen.host)
        #expect(own.count == 8 && own.contains { $0.contains("-d 192.0.2.7/32") } && own.contains { $0.contains("-s 2001:db8::7/128") }, "\(own)")
        #expect(try xen.master(of: "vif7.0") == "br0" && xen.link("vif7.0").isUp)

        xen.store.add(domain: 8, name: "mail", mac: XenFixture.mac(8), ip: "192.0.2.7")
        try xen.makePort("vif8.0")
        let refused = try xen.hook("online", "type_if=vif", domain: 8)
        #expect(refused.status == 1 && refused.errors.contains("192.0.2.7"), "\(refused)")
        #expect(try rules(of: "vif8.0", xen.host).isEmpty && xen.master(of: "vif8.0") == nil && !xen.link("vif8.0").isUp)

        let offline = try xen.hook("offline", "type_if=vif", domain: 7)
        #expect(offline.succeeded && !offline.errors.contains("loaded"), "\(offline)")
        #expect(try rules(of: "vif7.0", xen.host).isEmpty && xen.master(of: "vif7.0") == nil && !xen.link("vif7.0").isUp)
    }

    @Test func `a name that is another's, or of a device that is gone, costs nobody its rules`() throws {
        let xen = try XenFixture(policy: "engine: classic\n" + XenFixture.policy)
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        xen.store["backend/vif/7/0/vifname"] = "web"
        try xen.makePort("vif7.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
        xen.store.add(domain: 8, name: "mail", mac: XenFixture.mac(8), ip: "192.0.2.8")
        xen.store["backend/vif/8/0/vifname"] = "web"
        try xen.makePort("vif8.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("another interface is already"))
        #expect(try rules(of: "web", xen.host).count == 6)
        try xen.host.run { try Link.named("web").delete() }
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        #expect(try rules(of: "web", xen.host).isEmpty)
    }

    @Test func `libvirt's guest has its rules before it runs, and none when it has ended`() throws {
        let host = try LibvirtHost(policy: "engine: classic\n" + LibvirtHost.policy)
        let xml = LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7")
        for operation in ["prepare", "start", "started", "reconnect"] {
            let result = try host.call("www", operation, xml)
            #expect(result.succeeded, "\(operation): \(result.errors)")
        }
        #expect(try rules(of: "vif1.0", host.fixture.host).count == 6)
        let second = LibvirtHost.domain("mail", port: "vif2.0", number: 2, address: "192.0.2.7")
        let refused = try host.call("mail", "start", second)
        #expect(refused.status == 1 && refused.errors.contains("192.0.2.7"), "\(refused)")
        #expect(try rules(of: "vif2.0", host.fixture.host).isEmpty)
        try host.fixture.host.run { try Link.named("vif1.0").delete() }
        #expect(try host.call("www", "release", xml).succeeded)
        #expect(try rules(of: "vif1.0", host.fixture.host).isEmpty)
        #expect(try host.call("mail", "start", second).succeeded)
    }

    @Test func `a policy with a mistake refuses a start, and lets those go that have ended`() throws {
        let host = try LibvirtHost(policy: "engine: classic\n" + LibvirtHost.policy)
        let xml = LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7")
        #expect(try host.call("www", "start", xml).succeeded)
        try host.fixture.write("engine: classic\nbridges: {br0: {uplinks: [up0], subnets: [nowhere]}}\n")
        let refused = try host.call("mail", "start", LibvirtHost.domain("mail", port: "vif2.0", number: 2, address: "192.0.2.8"))
        #expect(refused.status == 1 && refused.errors.contains("the policy can't be read"), "\(refused)")
        try host.fixture.host.run { try Link.named("vif1.0").delete() }
        #expect(try host.call("www", "release", xml).succeeded)
        #expect(try rules(of: "vif1.0", host.fixture.host).isEmpty)
    }
}
