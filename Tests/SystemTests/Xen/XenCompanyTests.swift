import FakeXen
import Foundation
import Lab
import Netlink
import Testing

/// Cards with more than one port, many cards at once, and the agent beside them.
@Suite(.timeLimit(.minutes(10)))
struct XenCompanyTests {
    private func forwarding(_ xen: XenFixture) throws -> String { try xen.host.output(of: ["bridge", "fdb", "show", "br", "br0"]) }

    @Test(arguments: [nil, "192.0.2.7"])
    func `an emulated twin has its card's binding, each is held to it, and apply leaves the pair alone`(_ ip: String?) throws {
        let xen = try XenFixture()
        // By the policy, and by ip= alone.
        let (name, mac): (String, UInt8) = ip == nil ? ("listed.example.com", 1) : ("hvm", 7)
        try xen.bringUp(7, name, mac: mac, ip: ip)
        #expect(try forwarding(xen).contains("dev vif7.0 sticky"))
        try xen.makePort("vif7.0-emu")
        let added = try xen.hook("add", "type_if=tap", domain: 7)
        #expect(added.succeeded, "\(added.errors)")
        for port in ["vif7.0", "vif7.0-emu"] {
            #expect(try xen.command.port(port).binding?.guest == name)
            let spoofed = [arpRequest(from: mac, sender: [192, 0, 2, 9]), arpRequest(from: 9)]
            #expect(try xen.passing(spoofed, from: port, honest: arpRequest(from: mac)) == [])
            // What is for the guest comes to the port that it has just spoken by.
            let sniffer = try Sniffer(on: "p-\(port)", in: xen.host)
            let answer = Self.answer(to: mac)
            try FrameSender(on: "p-up0", in: xen.host).send(answer)
            #expect(try sniffer.first { $0.bytes == answer } != nil, "nothing comes to \(port)")
        }
        let plan = try xen.command.succeed("plan")
        #expect(plan.contains("Nothing to do"), "\(plan)")
        // The guest's own drivers run: the emulated card is gone, and no script is called for it.
        try xen.host.run { try Link.named("vif7.0-emu").delete() }
        #expect(try xen.passing([], from: "vif7.0", honest: arpRequest(from: mac)) == [])
        _ = try xen.command.succeed("apply")
        #expect(try forwarding(xen).contains("\(XenFixture.mac(mac)) dev vif7.0 sticky"))
        #expect(try xen.hook("remove", "type_if=tap", domain: 7).succeeded)
        #expect(try xen.command.port("vif7.0").state == "bound")
    }

    @Test func `in whatever order the two ports come, apply leaves them alone`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "hvm", mac: XenFixture.mac(7), ip: "192.0.2.7")
        for port in ["vif7.0", "vif7.0-emu"] { try xen.makePort(port) }
        #expect(try xen.hook("add", "type_if=tap", domain: 7).succeeded)
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
        let plan = try xen.command.succeed("plan")
        #expect(plan.contains("Nothing to do"), "\(plan)")
        // The newer goes, and what it owned is the other's: nobody else can have it.
        #expect(try xen.hook("remove", "type_if=tap", domain: 7).succeeded)
        xen.store.add(domain: 9, name: "thief", mac: XenFixture.mac(9), ip: "192.0.2.7")
        try xen.makePort("vif9.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 9).errors.contains("192.0.2.7 is guest hvm's on vif7.0"))
    }

    @Test func `what is left of a card's two ports is pinned at once, without an agent`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        // It moves within the host: another number, the same card.
        try xen.bringUp(9, "www", mac: 7, ip: "192.0.2.7")
        #expect(try !forwarding(xen).contains("\(XenFixture.mac(7)) dev vif9.0 sticky"))
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        #expect(try forwarding(xen).contains("\(XenFixture.mac(7)) dev vif9.0 sticky"))
        let flags = try xen.host.output(of: ["bridge", "-d", "link", "show", "dev", "vif9.0"])
        #expect(flags.contains("learning off") && flags.contains("flood off"), "\(flags)")
        // A second port that can't be had leaves the first as it was, too.
        xen.store.add(domain: 11, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        xen.store["backend/vif/11/0/vifname"] = "vif9.0"
        try xen.makePort("vif11.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 11).status == 1)
        #expect(try forwarding(xen).contains("\(XenFixture.mac(7)) dev vif9.0 sticky"))
    }

    @Test func `an address that two cards of a guest have stays its own when one of them goes`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        xen.store.add(domain: 7, name: "www", card: 1, mac: XenFixture.mac(8), ip: "192.0.2.7")
        try xen.makePort("vif7.1")
        #expect(try xen.hook("online", "type_if=vif", domain: 7, card: 1).succeeded)
        #expect(try xen.hook("offline", "type_if=vif", domain: 7, card: 1).succeeded)
        xen.store.add(domain: 9, name: "thief", mac: XenFixture.mac(9), ip: "192.0.2.7")
        try xen.makePort("vif9.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 9).errors.contains("192.0.2.7 is guest www's on vif7.0"))
    }

    @Test func `two ports of a card that is only audited teach the bridge nothing`() throws {
        let xen = try XenFixture(policy: "defaults: {mode: audit}\n" + XenFixture.policy)
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        try xen.makePort("vif7.0-emu")
        #expect(try xen.hook("add", "type_if=tap", domain: 7).succeeded)
        // The guest says that it is somebody beyond the uplink: audited, it passes.
        try FrameSender(on: "p-vif7.0-emu", in: xen.host).send(arpRequest(from: 0x77))
        #expect(try xen.passing([], from: "vif7.0-emu", honest: arpRequest(from: 7)) == [])
        #expect(try !forwarding(xen).contains("\(XenFixture.mac(0x77)) dev vif7"))
    }

    /// An ARP reply from the gateway.
    private static func answer(to number: UInt8) -> [UInt8] {
        let (guest, router): ([UInt8], [UInt8]) = ([2, 0, 0, 0, 0, number], [2, 0, 0x5e, 0, 0, 1])
        return guest + router + [8, 6, 0, 1, 8, 0, 6, 4, 0, 2] + router + [192, 0, 2, 254] + guest + [192, 0, 2, number]
    }

    @Test func `a stub domain's card is its guest's, if the guest says so too`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "hvm", mac: 7, ip: "192.0.2.7")
        xen.store.add(domain: 8, name: "hvm-dm", mac: XenFixture.mac(7), ip: "192.0.2.7")
        xen.store["/local/domain/8/target"] = "7"
        try xen.makePort("vif8.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("knows nothing of it"))
        xen.store["/local/domain/7/image/device-model-domid"] = "8"
        #expect(try xen.hook("online", "type_if=vif", domain: 8).succeeded)
        #expect(try xen.command.port("vif8.0").binding?.guest == "hvm")
    }

    @Test(arguments: [false, true])
    func `fifty cards at once, with and without an agent`(_ hasAgent: Bool) throws {
        let xen = try XenFixture()
        let agent = hasAgent ? try self.agent(xen) : nil
        let domains = (0..<50).map { UInt32(100 + $0) }
        for domain in domains {
            xen.store.add(domain: domain, name: "guest-\(domain)", mac: XenFixture.mac(UInt8(domain)), ip: "192.0.2.\(domain)")
            try xen.makePort("vif\(domain).0")
        }
        let calls = try domains.map { try xen.start("online", "type_if=vif", domain: $0) }
        for call in calls {
            let result = try call.wait(atMost: .seconds(120))
            #expect(result.succeeded, "\(result.errors)")
        }
        for domain in domains {
            #expect(xen.store.status(of: domain) == "connected")
            let port = try xen.command.port("vif\(domain).0")
            #expect(port.binding?.guest == "guest-\(domain)" && port.binding?.addresses == ["192.0.2.\(domain)"])
            #expect(try xen.master(of: "vif\(domain).0") == "br0")
        }
        #expect(try xen.command.succeed("plan").contains("Nothing to do"))
        _ = agent?.stop()
    }

    @Test func `an agent that starts, ends and starts again opens nothing and takes nothing away`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        let spoofed = arpRequest(from: 7, sender: [192, 0, 2, 9])
        for _ in 0..<2 {
            let agent = try agent(xen)
            #expect(try xen.passing([spoofed], from: "vif7.0", honest: arpRequest(from: 7)) == [])
            agent.signal(SIGKILL)
            _ = agent.stop()
            #expect(try xen.passing([spoofed], from: "vif7.0", honest: arpRequest(from: 7)) == [])
            #expect(try xen.command.port("vif7.0").binding?.origin == "xen")
        }
    }

    private func agent(_ xen: XenFixture) throws -> RunningCommand {
        let folder = xen.command.folder
        let words = ["agent", "--policy", xen.command.policy.path, "--state", xen.command.state, "--run", folder.appending(path: "run").path]
        let agent = try xen.host.start(["setpriv", "--pdeathsig", "KILL", CommandFixture.binary] + words)
        for _ in 0..<3000 where !agent.errorsSoFar.contains("the agent watches over the host") { usleep(10_000) }
        try #require(agent.errorsSoFar.contains("the agent watches over the host"))
        return agent
    }
}
