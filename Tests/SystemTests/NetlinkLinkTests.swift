import Addresses
import Glibc
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct NetlinkLinkTests {
    let namespace: NetworkNamespace

    init() throws { namespace = try NetworkNamespace() }

    @Test func `a veth pair is made with a peer in another namespace, as ip sees it`() throws {
        let other = try NetworkNamespace()
        let far = try MACAddress(parsing: "00:16:3e:00:00:02")
        let descriptor = other.descriptor
        let link = try namespace.run {
            try Link.create("vif1.0", .veth(peer: "eth0", namespace: descriptor, macAddress: far), .mtu(1400), .up)
        }
        let peer = try other.run { try Link.named("eth0") }
        #expect(link.kind == "veth" && link.mtu == 1400 && link.isUp && !link.isRunning)
        #expect(link.peer == peer.index && link.peerNamespace != nil)
        #expect(peer.macAddress == far && peer.peer == link.index)

        let near = try JSONOutput(["ip", "-d", "-j", "link", "show", "vif1.0"], in: namespace)
        #expect(near.number("ifindex") == Int(link.index))
        #expect(near.string("linkinfo", "info_kind") == "veth")
        #expect(near.number("mtu") == 1400)
        #expect(near.string("address") == link.macAddress?.description)
        let there = try JSONOutput(["ip", "-j", "link", "show", "eth0"], in: other)
        #expect(there.string("address") == "00:16:3e:00:00:02")
    }

    @Test func `a link is the same by name, by number and in the list`() throws {
        try namespace.run {
            let made = try Link.create("br0", .bridge)
            #expect(try Link.named("br0") == made)
            #expect(try Link.numbered(made.index) == made)
            #expect(try Link.all().contains(made))
        }
    }

    @Test func `name, MAC, MTU, master and state can be changed, and ip sees it`() throws {
        let (bridge, link) = try namespace.run {
            let bridge = try Link.create("br0", .bridge, .up)
            let link = try Link.create("a", .veth())
            try link.change(
                .name("renamed"), .macAddress(MACAddress(2, 0, 0, 0, 0, 7)), .mtu(1280), .master(bridge.index), .up)
            return (bridge, try Link.numbered(link.index))
        }
        #expect(link.name == "renamed" && link.master == bridge.index && link.portKind == "bridge" && link.isBridgePort && link.isUp)
        let seen = try JSONOutput(["ip", "-d", "-j", "link", "show", "renamed"], in: namespace)
        #expect(seen.string("address") == "02:00:00:00:00:07")
        #expect(seen.number("mtu") == 1280)
        #expect(seen.string("master") == "br0")
        #expect(seen.string("linkinfo", "info_slave_kind") == "bridge")
        try namespace.run {
            #expect(try Link.ports(of: bridge.index).map(\.index) == [link.index])
            try link.change(.noMaster, .down)
            let alone = try Link.numbered(link.index)
            #expect(alone.master == nil && alone.portKind == nil && !alone.isBridgePort && !alone.isUp)
        }
    }

    @Test func `a link moves to another namespace and is gone here`() throws {
        let other = try NetworkNamespace()
        let descriptor = other.descriptor
        try namespace.run { try Link.create("mover", .veth()).move(toNamespace: descriptor) }
        #expect(try other.run { try Link.named("mover").kind } == "veth")
        let error = #expect(throws: NetlinkError.self) { try namespace.run { try Link.named("mover") } }
        #expect(error?.errno == ENODEV)
    }

    @Test func `a macvlan knows its parent`() throws {
        try namespace.run {
            let parent = try Link.create("parent", .veth(), .up)
            let child = try Link.create("child", .macvlan(parent: parent.index))
            #expect(child.kind == "macvlan" && child.peer == parent.index)
        }
        let seen = try JSONOutput(["ip", "-d", "-j", "link", "show", "child"], in: namespace)
        #expect(seen.string("linkinfo", "info_data", "mode") == "bridge")
    }

    @Test func `a tap lives until it is closed`() throws {
        var tap: Tap? = try namespace.run { try Tap("tap0") }
        #expect(try namespace.run { try Link.named("tap0").kind } == "tun")
        #expect(tap?.descriptor ?? -1 >= 0)
        tap = nil
        #expect(throws: NetlinkError.self) { try namespace.run { try Link.named("tap0") } }
    }

    @Test func `deleting one end of a pair deletes both`() throws {
        try namespace.run {
            try Link.create("a", .veth(peer: "b")).delete()
            #expect(try Link.all().allSatisfy { $0.name != "a" && $0.name != "b" })
        }
    }

    @Test func `an error says what was done to which interface, what the errno means, and what to do`() throws {
        let error = try #require(
            #expect(throws: NetlinkError.self) {
                try namespace.run {
                    try Link.create("twice", .veth())
                    try Link.create("twice", .veth())
                }
            })
        #expect(error.errno == EEXIST)
        #expect(error.description == "can't make the veth twice: file exists (EEXIST): one of that name exists already; 'ip link' lists them")
    }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-xx", "nul\0"])
    func `what can't be an interface's name is refused before the kernel is asked`(name: String) throws {
        let error = #expect(throws: NetlinkError.self) { try namespace.run { try Link.named(name) } }
        #expect(error?.errno == nil)
        #expect(throws: NetlinkError.self) { try namespace.run { try Link.create(name, .veth()) } }
        #expect(throws: NetlinkError.self) { try namespace.run { try InterfaceSetting.disableIPv6.value(for: name) } }
    }

    @Test func `requests in a batch each have their own result, and one that fails stops none`() throws {
        try namespace.run {
            let names = (0..<250).map { $0 % 5 == 4 ? "same" : "d\($0)" }
            let results = try NetlinkSocket().performAll(names.map { Link.request(creating: $0, .veth()) })
            for (number, result) in results.enumerated() {
                #expect(result?.errno == (number % 5 == 4 && number != 4 ? EEXIST : nil))
            }
            #expect(try Link.all().filter { $0.name == "same" || $0.name.hasPrefix("d") }.count == 201)
        }
    }

    @Test func `settings of one interface are read and written in its namespace, dots in the name included`() throws {
        try namespace.run {
            try Link.create("vif1.0", .veth())
            try InterfaceSetting.disableIPv6.set(1, for: "vif1.0")
            #expect(try InterfaceSetting.disableIPv6.value(for: "vif1.0") == 1)
            #expect(try InterfaceSetting.disableIPv6.value(for: "lo") == 0)
            #expect(try InterfaceSetting.disableIPv6.value(for: "nobody") == nil)
        }
        #expect(try namespace.output(of: ["cat", "/proc/sys/net/ipv6/conf/vif1.0/disable_ipv6"]) == "1\n")
    }
}
