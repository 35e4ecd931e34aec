import Foundation
import Lab
import Netlink
import Testing

/// The agent asks libvirt's files who is behind ports that no hook has told of.
@Suite(.timeLimit(.minutes(5)))
struct AgentLibvirtTests {
    private struct Watched {
        let agent: AgentFixture
        let folder: URL

        init() throws {
            agent = try AgentFixture(policy: LibvirtHost.policy)
            folder = agent.fixture.folder.appending(path: "libvirt")
        }

        func start() throws { try agent.start(options: ["--libvirt", folder.path]) }

        func make() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

        /// As libvirt writes it: beside, then in its place.
        func write(_ guest: String, _ text: String, mode: Int = 0o600) throws {
            let draft = folder.appending(path: "\(guest).xml.new")
            try text.write(to: draft, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: draft.path)
            #expect(rename(draft.path, folder.appending(path: "\(guest).xml").path) == 0)
        }

        /// A tap as libvirt makes it for guest `number`.
        func plug(_ number: Int, behind port: String? = nil) throws {
            try agent.plug(port ?? "vnet\(number)", mac: "fe" + LibvirtHost.mac(number).dropFirst(2))
        }

        func addresses(_ port: String) throws -> [String]? { try agent.fixture.port(port).binding?.addresses }
    }

    @Test func `a port is bound when libvirt says whose it is, and anew when that changes`() throws {
        let host = try Watched()
        try host.start()
        // Neither the folder nor the file is there yet.
        try host.plug(1)
        try host.agent.eventually("vnet1 is closed") { try host.agent.state(of: "vnet1") == "closed" }
        try host.make()
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7", bridge: "br9")))
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7")))
        try host.agent.eventually("vnet1 is bound") { try host.addresses("vnet1") == ["192.0.2.7"] }
        #expect(try host.agent.fixture.port("vnet1").binding?.guest == "www")
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.8")))
        try host.agent.eventually("vnet1 has the other address") { try host.addresses("vnet1") == ["192.0.2.8"] }
        #expect(try host.agent.fixture.succeed("apply").contains("Nothing to do"))
        // The file is there before the port this time.
        try host.write("mail", LibvirtHost.status(LibvirtHost.domain("mail", port: "vnet2", number: 2, address: "192.0.2.9")))
        try host.plug(2)
        try host.agent.eventually("vnet2 is bound") { try host.addresses("vnet2") == ["192.0.2.9"] }
        try host.agent.unplug("vnet1")
        try host.agent.eventually("vnet1 is let go of") { try host.agent.state(of: "vnet1") == nil }
    }

    @Test func `an agent that comes later binds what it finds shut`() throws {
        let host = try Watched()
        try host.make()
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7")))
        try host.plug(1)
        try host.start()
        try host.agent.eventually("vnet1 is bound") { try host.addresses("vnet1") == ["192.0.2.7"] }
    }

    @Test func `what can't be believed, read or bound stays shut, and nobody else's is touched`() throws {
        let host = try Watched()
        try host.make()
        try host.start()
        let status = { (guest: String, port: String, number: Int, address: String?) in
            LibvirtHost.status(LibvirtHost.domain(guest, port: port, number: number, address: address))
        }
        try host.write("open", status("open", "vnet1", 1, "192.0.2.11"), mode: 0o622)
        try host.write("torn", String(status("torn", "vnet2", 2, "192.0.2.12").dropLast(12)))
        try host.write("none", status("none", "vnet3", 3, nil))
        try host.write("thief", status("thief", "vnet4", 4, "192.0.2.99"))
        try host.write("uplink", status("uplink", "up0", 5, "192.0.2.15"))
        try host.write("twin", status("twin", "vnet6", 6, "192.0.2.16"))
        try host.write("twins", status("twins", "vnet6", 6, "192.0.2.17"))
        try host.write("good", status("good", "vnet8", 8, "192.0.2.18"))
        for number in [1, 2, 3, 4, 6, 8] { try host.plug(number) }
        try host.agent.eventually("vnet8 is bound") { try host.addresses("vnet8") == ["192.0.2.18"] }
        for reason in [
            "others than root may write it", "line 3: <domstatus> isn't closed", "nothing says which addresses guest none may use",
            "192.0.2.99 is guest named's in the policy", "a port of twin and twins",
        ] {
            try host.agent.eventually("the log says: \(reason)") { host.agent.log.contains(reason) }
        }
        for number in [1, 2, 3, 4, 6] { #expect(try host.agent.state(of: "vnet\(number)") == "closed", "vnet\(number)") }
        #expect(try host.agent.state(of: "up0") == "trusted")
    }

    @Test func `a file that outlives its guest says nothing of the tap that has the name now`() throws {
        let host = try Watched()
        try host.make()
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7")))
        try host.start()
        // Not read yet when the tap joins: what was heard before isn't what counts.
        try host.write("mail", LibvirtHost.status(LibvirtHost.domain("mail", port: "vnet2", number: 2, address: "192.0.2.8")))
        try host.plug(2, behind: "vnet1")
        try host.agent.eventually("the log says why") { host.agent.log.contains("its own MAC isn't that of guest www's tap") }
        try host.plug(2)
        try host.agent.eventually("vnet2 is bound") { try host.addresses("vnet2") == ["192.0.2.8"] }
        #expect(try host.agent.state(of: "vnet1") == "closed")
    }

    @Test func `what somebody else has bound stays as it is`() throws {
        let host = try Watched()
        try host.make()
        try host.start()
        try host.plug(1)
        _ = try host.agent.fixture.succeed(
            "attach", "vnet1", "--bridge", "br0", "--mac", "52:54:00:00:00:01", "--address", "192.0.2.20", "--guest", "by-hand")
        try host.write("www", LibvirtHost.status(LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7")))
        try host.write("mail", LibvirtHost.status(LibvirtHost.domain("mail", port: "vnet2", number: 2, address: "192.0.2.8")))
        try host.plug(2)
        try host.agent.eventually("vnet2 is bound") { try host.addresses("vnet2") == ["192.0.2.8"] }
        #expect(try host.addresses("vnet1") == ["192.0.2.20"])
    }

    @Test func `the bridge looks for a guest that is on its way, and knows where one is that has come`() throws {
        let host = try Watched()
        try host.make()
        try host.start()
        let domain = LibvirtHost.domain("www", port: "vnet1", number: 1, address: "192.0.2.7")
        try host.write("www", LibvirtHost.status(domain, state: "paused", reason: "migration"))
        try host.plug(1)
        func entries() throws -> String { try host.agent.host.output(of: ["bridge", "fdb", "show", "dev", "vnet1"]) }
        func settings() throws -> String { try host.agent.host.output(of: ["bridge", "-d", "link", "show", "dev", "vnet1"]) }
        try host.agent.eventually("vnet1 is bound") { try host.addresses("vnet1") == ["192.0.2.7"] }
        try host.agent.eventually("it may be anywhere") {
            let settings = try settings()
            return try settings.contains("learning on") && settings.contains(" flood on") && !entries().contains("52:54:00:00:00:01")
        }
        try host.agent.eventually("nothing is left to do") { try host.agent.fixture.succeed("plan").contains("Nothing to do") }
        try host.write("www", LibvirtHost.status(domain, state: "running", reason: "migrated"))
        try host.agent.eventually("it is here") {
            let settings = try settings()
            return try settings.contains("learning off") && settings.contains(" flood off") && entries().contains("52:54:00:00:00:01")
        }
    }
}
