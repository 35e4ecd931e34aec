import Foundation
import Lab
import Netlink
import Testing

/// `vifguard hook libvirt`, called as libvirt calls it.
@Suite(.timeLimit(.minutes(5)))
struct LibvirtHookTests {
    @Test func `a guest is bound when it starts, and let go of when it has ended`() throws {
        let host = try LibvirtHost()
        let (xml, port) = (LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7"), "vif1.0")
        #expect(try host.call("www", "prepare", LibvirtHost.domain("www", port: nil, number: 1, address: "192.0.2.7")).status == 0)
        #expect(try host.state(of: port) == "closed")
        for operation in ["start", "started", "reconnect", "migrate", "restore", "a later one"] {
            let result = try host.call("www", operation, xml)
            #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty, "\(operation): \(result)")
            #expect(try host.state(of: port) == "bound")
        }
        let binding = try #require(try host.fixture.port(port).binding)
        #expect(binding.guest == "www" && binding.addresses == ["192.0.2.7"])
        // The agent and 'apply' leave it alone.
        #expect(try host.fixture.succeed("apply").contains("Nothing to do"))
        // By then libvirt doesn't say any more which tap it was.
        let ended = LibvirtHost.domain("www", port: nil, number: 1, address: "192.0.2.7")
        try host.fixture.host.run { try Link.named("vif1.0").delete() }
        for operation in ["stopped", "release"] { #expect(try host.call("www", operation, ended).status == 0) }
        #expect(try host.state(of: port) == nil)
        // Its address is free again.
        #expect(try host.call("mail", "start", LibvirtHost.domain("mail", port: "vif2.0", number: 2, address: "192.0.2.7")).status == 0)
    }

    @Test func `who comes late takes nothing from another that has the name by now`() throws {
        let host = try LibvirtHost()
        #expect(try host.call("www", "start", LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7")).status == 0)
        try host.fixture.host.run {
            try Link.named("vif1.0").delete()
            try Link.create("vif1.0", .veth(peer: "p-vif1.0")).change(.master(try Link.named("br0").index), .up)
        }
        #expect(try host.call("mail", "start", LibvirtHost.domain("mail", port: "vif1.0", number: 2, address: "192.0.2.8")).status == 0)
        #expect(try host.fixture.status().bridges.flatMap(\.ports).filter { $0.name == "vif1.0" }.map(\.state).sorted() == ["bound", "gone"])
        #expect(try host.call("www", "release", LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7")).status == 0)
        #expect(try host.fixture.status().bridges.flatMap(\.ports).filter { $0.name == "vif1.0" }.map(\.binding?.guest) == ["mail"])
        #expect(try host.fixture.port("vif1.0").state == "bound")
        #expect(try host.call("mail", "stopped", LibvirtHost.domain("mail", port: "vif1.0", number: 2, address: "192.0.2.8")).status == 0)
        #expect(try host.state(of: "vif1.0") == "closed")
    }

    @Test(arguments: [
        (LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.254"), "reserved"),
        (LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.99"), "192.0.2.99 is guest named's in the policy"),
        (LibvirtHost.domain("www", port: "vif1.0", number: 0x99, address: "192.0.2.7"), "is guest named's in the policy"),
        (LibvirtHost.domain("www", port: "vif1.0", number: 1, address: nil), "nothing says which addresses"),
        (LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7;reboot"), "192.0.2.7;reboot"),
        (LibvirtHost.domain("www", port: nil, number: 1, address: "192.0.2.7"), "no <target dev>"),
        (LibvirtHost.domain("www", port: "nowhere", number: 1, address: "192.0.2.7"), "nowhere"),
        (LibvirtHost.domain("mail", port: "vif1.0", number: 1, address: "192.0.2.7"), "the XML is of another guest, mail"),
        ("<!DOCTYPE domain><domain/>", "document type"),
        ("", "there is no element"),
    ])
    func `a start that can't be guarded is refused, with the reason`(_ xml: String, _ why: String) throws {
        let host = try LibvirtHost()
        let result = try host.call("www", "start", xml)
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.split(separator: /\s+/).joined(separator: " ").contains(why), "\(result.errors)")
        #expect(try host.state(of: "vif1.0") == "closed")
        // A running guest isn't killed for it.
        #expect(try host.call("www", "reconnect", xml).status == 0)
    }

    @Test func `a daemon that comes back binds what isn't bound, and changes nothing else`() throws {
        let host = try LibvirtHost()
        let xml = LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7")
        #expect(try host.call("www", "reconnect", xml).status == 0)
        #expect(try host.fixture.port("vif1.0").binding?.addresses == ["192.0.2.7"])
        _ = try host.fixture.succeed("attach", "vif1.0", "--bridge", "br0", "--mac", LibvirtHost.mac(1), "--address", "192.0.2.20", "--guest", "www")
        for operation in ["reconnect", "started"] {
            #expect(try host.call("www", operation, xml).status == 0)
            #expect(try host.fixture.port("vif1.0").binding?.addresses == ["192.0.2.20"])
        }
        // An operator's binding isn't libvirt's to take away, unless it is the guest's own card.
        #expect(try host.call("www", "stopped", LibvirtHost.domain("www", port: nil, number: 9, address: nil)).status == 0)
        #expect(try host.state(of: "vif1.0") == "bound")
    }

    @Test func `names that look like options or shell are names`() throws {
        let host = try LibvirtHost()
        for name in ["--help", "-", "$(touch pwned)", "a b\u{202e}'\"`", String(repeating: "n", count: 128)] {
            let escaped = name.replacingOccurrences(of: "&", with: "&amp;")
            let result = try host.call(name, "start", LibvirtHost.domain(escaped, port: "vif1.0", number: 1, address: "192.0.2.7"))
            #expect(result.output.isEmpty && !result.errors.contains("\u{202e}"), "\(name): \(result)")
            if result.status == 0 {
                #expect(try host.fixture.port("vif1.0").binding?.guest == name)
                #expect(try host.call(name, "stopped", LibvirtHost.domain(escaped, port: nil, number: 1, address: nil)).status == 0)
            }
        }
        let long = String(repeating: "n", count: 1 << 17)
        #expect(throws: (any Error).self) { try host.call(long, "start", "<domain><name>\(long)</name></domain>") }
    }

    @Test func `bridges that aren't guarded are none of its business`() throws {
        let host = try LibvirtHost()
        for (kind, bridge) in [("bridge", "br9"), ("direct", "br0"), ("user", "br0")] {
            let xml = LibvirtHost.domain("www", port: "vif1.0", number: 1, address: nil, bridge: bridge, kind: kind)
            for operation in ["prepare", "start", "started", "stopped", "release"] {
                #expect(try host.call("www", operation, xml).status == 0, "\(kind) \(bridge) \(operation)")
            }
        }
        #expect(try host.state(of: "vif1.0") == "closed")
        // With a policy that can't be read, what the kernel guards is still guarded, and the rest isn't held up.
        try host.fixture.write("bridges: [")
        let here = try host.call("www", "start", LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7"))
        #expect(here.status == 1 && here.errors.contains("the policy can't be read"))
        #expect(try host.call("www", "start", LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.7", bridge: "br9")).status == 0)
    }

    @Test func `fifty at once are bound, and one with broken XML is none of the others' business`() throws {
        let host = try LibvirtHost()
        let folder = host.fixture.folder
        var commands: [String] = []
        for number in 1...50 {
            commands += ["link add vnet\(number) type veth peer name p\(number)", "link set vnet\(number) master br0 up"]
            let xml = LibvirtHost.domain("guest-\(number)", port: "vnet\(number)", number: number, address: "192.0.2.\(number)")
            let text = number == 25 ? String(xml.dropLast(20)) : xml
            try text.write(to: folder.appending(path: "\(number).xml"), atomically: true, encoding: .utf8)
        }
        let batch = folder.appending(path: "batch")
        try commands.joined(separator: "\n").write(to: batch, atomically: true, encoding: .utf8)
        _ = try host.fixture.host.output(of: ["ip", "-batch", batch.path], atMost: .seconds(60))
        let script = """
            cd "$1"; shift
            for number in $(seq 50); do
              { "$@" -- "guest-$number" start begin - < $number.xml 2> $number.errors; echo $? > $number.status; } &
            done
            wait
            """
        _ = try host.fixture.host.output(of: ["sh", "-c", script, "sh", folder.path] + host.command, atMost: .seconds(120))
        let ports = try host.fixture.status().bridges.flatMap(\.ports)
        for number in 1...50 {
            let status = try String(contentsOf: folder.appending(path: "\(number).status"), encoding: .utf8)
            let errors = try String(contentsOf: folder.appending(path: "\(number).errors"), encoding: .utf8)
            let port = ports.first { $0.name == "vnet\(number)" }
            if number == 25 {
                #expect(status == "1\n" && errors.contains("guest-25") && port?.binding == nil)
            } else {
                #expect(status == "0\n" && port?.binding?.addresses == ["192.0.2.\(number)"], "\(number): \(errors)")
            }
        }
    }
}
