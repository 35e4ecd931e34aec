import Glibc
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct BridgePortTests {
    let namespace: NetworkNamespace
    let bridge: InterfaceIndex
    let port: InterfaceIndex

    init() throws {
        namespace = try NetworkNamespace()
        (bridge, port) = try namespace.run {
            let bridge = try Link.create("br0", .bridge, .up).index
            return (bridge, try Link.create("vif1.0", .veth(), .master(bridge), .up).index)
        }
    }

    @Test func `a guest port's settings are written and bridge sees each of them`() throws {
        var wanted = BridgePort.Settings()
        wanted.learning = false
        wanted.unicastFlood = false
        wanted.bpduGuard = true
        wanted.isolated = true
        wanted.hairpin = true
        wanted.multicastRouter = .never
        let settings = wanted
        let (written, after) = try namespace.run {
            let written = try BridgePort.numbered(port).write(settings)
            return (written, try BridgePort.numbered(port))
        }
        #expect(written == settings)
        #expect(after.bridge == bridge && after.name == "vif1.0")
        #expect(settings.subtracting(after.settings) == BridgePort.Settings())

        let seen = try JSONOutput(["bridge", "-d", "-j", "link", "show", "dev", "vif1.0"], in: namespace)
        #expect(seen.flag("learning") == false)
        #expect(seen.flag("flood") == false)
        #expect(seen.flag("guard") == true)
        #expect(seen.flag("isolated") == true)
        #expect(seen.flag("hairpin") == true)
        #expect(seen.number("mcast_router") == 0)
        // Not asked for, so as the kernel had made them.
        #expect(seen.flag("mcast_flood") == true)
        #expect(seen.flag("root_block") == false)
    }

    @Test func `what bridge changed is read`() throws {
        let change = ["bridge", "link", "set", "dev", "vif1.0", "learning", "off", "isolated", "on", "mcast_flood", "off", "locked", "on"]
        _ = try namespace.output(of: change)
        let settings = try namespace.run { try BridgePort.numbered(port).settings }
        #expect(settings.learning == false && settings.isolated == true && settings.locked == true)
        #expect(settings.multicastFlood == false && settings.unicastFlood == true && settings.broadcastFlood == true)
        #expect(settings.bpduGuard == false && settings.state != nil)
    }

    @Test func `only what differs is written`() throws {
        var wanted = BridgePort.Settings()
        wanted.learning = true
        wanted.isolated = true
        let settings = wanted
        let (first, second) = try namespace.run {
            (try BridgePort.numbered(port).write(settings), try BridgePort.numbered(port).write(settings))
        }
        #expect(first.learning == nil && first.isolated == true)
        #expect(second == BridgePort.Settings())
    }

    @Test func `ports are listed by bridge, and what is in no bridge is no port`() throws {
        try namespace.run {
            let second = try Link.create("br1", .bridge).index
            let other = try Link.create("vif2.0", .veth(), .master(second)).index
            let alone = try Link.create("alone", .veth()).index
            #expect(try BridgePort.all(of: bridge).map(\.index) == [port])
            #expect(Set(try BridgePort.all().map(\.index)) == [port, other])
            let error = #expect(throws: NetlinkError.self) { try BridgePort.numbered(alone) }
            #expect(error?.description.contains("alone") == true)
        }
    }

    @Test func `a bridge's settings are written and ip sees each of them`() throws {
        var wanted = Bridge.Settings()
        wanted.noLinkLocalLearning = true
        wanted.multicastSnooping = false
        wanted.multicastQuerier = true
        wanted.forwardDelay = 400
        wanted.ageingTime = 12300
        wanted.callsIPTables = true
        let settings = wanted
        try namespace.run {
            let before = try Bridge.named("br0")
            #expect(before.settings.noLinkLocalLearning == false)
            #expect(try before.write(settings) == settings)
            #expect(try Bridge.named("br0").write(settings) == Bridge.Settings())
            #expect(try Bridge.all().map(\.name) == ["br0"])
        }
        let seen = try JSONOutput(["ip", "-d", "-j", "link", "show", "br0"], in: namespace)
        #expect(seen.number("linkinfo", "info_data", "no_linklocal_learn") == 1)
        #expect(seen.number("linkinfo", "info_data", "mcast_snooping") == 0)
        #expect(seen.number("linkinfo", "info_data", "mcast_querier") == 1)
        #expect(seen.number("linkinfo", "info_data", "forward_delay") == 400)
        #expect(seen.number("linkinfo", "info_data", "ageing_time") == 12300)
        #expect(seen.number("linkinfo", "info_data", "nf_call_iptables") == 1)
        #expect(seen.number("linkinfo", "info_data", "nf_call_arptables") == 0)
    }

    @Test func `the spanning tree is switched on and off`() throws {
        for on in [true, false] {
            try namespace.run {
                var wanted = Bridge.Settings()
                wanted.spanningTree = on
                try Bridge.named("br0").write(wanted)
            }
            let seen = try JSONOutput(["ip", "-d", "-j", "link", "show", "br0"], in: namespace)
            #expect(seen.number("linkinfo", "info_data", "stp_state") == (on ? 1 : 0))
        }
    }

    @Test func `an interface that is no bridge is named as such`() throws {
        let error = #expect(throws: NetlinkError.self) { try namespace.run { try Bridge.named("vif1.0") } }
        #expect(error?.description.contains("vif1.0: it is no bridge") == true)
    }
}
