import Addresses
import Hypervisors
import Testing

/// What is read out of libvirt's XML.
@Suite struct LibvirtDomainTests {
    private static let uuid = "edeb59f0-e42a-497a-90d1-1a326827707c"

    private func domain(_ devices: String, name: String = "www", metadata: String = "") throws -> LibvirtDomain {
        let head = "<domain type='kvm' id='7'><name>\(name)</name><uuid>\(Self.uuid)</uuid>\(metadata)"
        return try LibvirtDomain(Array("\(head)<devices>\(devices)</devices></domain>".utf8))
    }

    private func reason(_ body: () throws -> LibvirtDomain) -> String? {
        let error = #expect(throws: CardError.self) { try body() }
        return error?.description
    }

    private func texts(_ interface: LibvirtDomain.Interface) -> [String] { interface.addresses.map(\.text) }

    @Test func whatHooksGet() throws {
        let domain = try domain(
            """
            <disk type='file'><source file='/dev/null'/></disk>
            <interface type='bridge'><mac address='52:54:00:aa:00:01'/><source bridge='br0'/><target dev='vnet1'/>
              <filterref filter='clean-traffic'><parameter name='IP' value='192.0.2.7'/><parameter name='IP' value='192.0.2.8'/>
              <parameter name='IPV6' value='2001:db8::7'/><parameter name='MAC' value='52:54:00:AA:00:01'/>
              <parameter name='GATEWAY_MAC' value='52:54:00:aa:00:fe'/></filterref></interface>
            <interface type='network'><mac address='52:54:00:aa:00:02'/><source network='lan' portid='1' bridge='virbr0'/><target dev='vnet2'/>
              <filterref filter='clean-traffic'><parameter name='CTRL_IP_LEARNING' value='dhcp'/></filterref></interface>
            <interface type='network'><mac address='52:54:00:aa:00:03'/><source network='lan'/></interface>
            <interface type='direct'><mac address='52:54:00:aa:00:04'/><source dev='eth0' mode='bridge'/><target dev='macvtap0'/></interface>
            <interface type='user'/>
            """)
        #expect(domain.name == "www" && domain.uuid == Self.uuid && !domain.isMigrating)
        #expect(domain.interfaces.map(\.source) == [.bridge("br0"), .bridge("virbr0"), .network("lan"), .other("direct"), .other("user")])
        #expect(domain.interfaces.map(\.target) == ["vnet1", "vnet2", nil, "macvtap0", nil])
        #expect(domain.interfaces.map(\.mac) == (1...4).map { "52:54:00:aa:00:0\($0)" } + [""])
        #expect(domain.interfaces.map(texts) == [["192.0.2.7", "192.0.2.8", "2001:db8::7"], ["dhcp"], [], [], []])
        #expect(domain.interfaces.allSatisfy { $0.fault == nil })
    }

    @Test func whatIsLearnedFromTheGuestIsNoStatement() throws {
        for value in ["any", "none"] {
            let domain = try domain(
                "<interface type='bridge'><source bridge='br0'/><filterref filter='f'><parameter name='CTRL_IP_LEARNING' value='\(value)'/></filterref></interface>"
            )
            #expect(texts(domain.interfaces[0]) == [])
        }
    }

    @Test func filesOfRunningGuests() throws {
        let status = { (state: String, reason: String) in
            """
            <!-- WARNING -->
            <domstatus state='\(state)' reason='\(reason)' pid='1'><domain type='qemu' id='2'><name>g1</name><devices>
            <interface type='network'><mac address='52:54:00:aa:00:02'/><source network='lan' portid='1'/>
            <actual type='bridge'><source bridge='br0'/></actual><target dev='vnet4'/></interface>
            <interface type='network'><mac address='52:54:00:aa:00:03'/><source network='out' portid='2'/>
            <actual type='direct'><source dev='eth0' mode='bridge'/></actual><target dev='macvtap1'/></interface>
            </devices></domain></domstatus>
            """
        }
        let domain = try LibvirtDomain(Array(status("running", "booted").utf8))
        #expect(domain.interfaces.map(\.source) == [.bridge("br0"), .other("direct")] && !domain.isMigrating)
        for reason in ["migration", "post-copy", "post-copy failed"] {
            #expect(try LibvirtDomain(Array(status("paused", reason).utf8)).isMigrating)
        }
        #expect(try !LibvirtDomain(Array(status("paused", "user").utf8)).isMigrating)
        #expect(try !LibvirtDomain(Array(status("running", "migration").utf8)).isMigrating)
    }

    @Test(arguments: [
        // As `virsh metadata --set` leaves it, children without the namespace, and as written by hand.
        "<vifguard:guest xmlns:vifguard='urn:vifguard:1'><interface mac='52:54:00:AA:00:01'><address>192.0.2.9</address><address> dhcp\n</address></interface></vifguard:guest>",
        "<g:guest xmlns:g='urn:vifguard:1'><g:interface mac='52:54:00:aa:00:01'><g:address>192.0.2.9</g:address><g:address>dhcp</g:address></g:interface></g:guest>",
        "<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:01'><address>192.0.2.9</address><address>dhcp</address></interface></guest>",
    ])
    func ourElementCountsWhole(_ element: String) throws {
        let cards = (1...2).map {
            "<interface type='bridge'><mac address='52:54:00:aa:00:0\($0)'/><source bridge='br0'/><filterref filter='f'><parameter name='IP' value='192.0.2.\($0)'/></filterref></interface>"
        }
        let others = "<app:x xmlns:app='http://example.com/'><guest/></app:x><guest/>"
        let domain = try domain(cards.joined(), metadata: "<metadata>\(others)\(element)</metadata>")
        #expect(domain.interfaces.map(texts) == [["192.0.2.9", "dhcp"], ["192.0.2.2"]])
    }

    @Test(arguments: [
        ("<guest xmlns='urn:vifguard:2'/>", "write <guest> of urn:vifguard:1"),
        ("<guests xmlns='urn:vifguard:1'/>", "<guests> of urn:vifguard:1 isn't known"),
        ("<guest xmlns='urn:vifguard:1'/><g:guest xmlns:g='urn:vifguard:1'/>", "there are 2 <guest>"),
        ("<guest xmlns='urn:vifguard:1'><card/></guest>", "<card> isn't known"),
        ("<guest xmlns='urn:vifguard:1'><interface><address>192.0.2.9</address></interface></guest>", "names no MAC"),
        ("<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:1g'><address>192.0.2.9</address></interface></guest>", "names no MAC"),
        (
            "<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:01' mode='audit'><address>192.0.2.9</address></interface></guest>",
            "no attribute mode"
        ),
        ("<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:01'/></guest>", "has no <address>"),
        ("<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:01'><adress>192.0.2.9</adress></interface></guest>", "<adress> isn't known"),
        (
            "<guest xmlns='urn:vifguard:1'><interface mac='52:54:00:aa:00:01'><address>192.0.2.9</address></interface><interface mac='52:54:00:AA:00:01'><address>192.0.2.8</address></interface></guest>",
            "is there twice"
        ),
    ])
    func ourElementIsReadStrictly(_ element: String, _ why: String) throws {
        let found = reason { try domain("", metadata: "<metadata>\(element)</metadata>") }
        #expect(found?.contains(why) == true, "\(found ?? "")")
    }

    @Test(arguments: ["52:54:00:aa:00:02", "nonsense", ""])
    func anotherMACInTheFilterIsAFault(_ mac: String) throws {
        let domain = try domain(
            "<interface type='bridge'><mac address='52:54:00:aa:00:01'/><source bridge='br0'/><filterref filter='f'><parameter name='MAC' value='\(mac)'/></filterref></interface>"
        )
        #expect(domain.interfaces[0].fault?.contains("but its <mac> is 52:54:00:aa:00:01") == true)
    }

    @Test(arguments: [
        ("<domain/>", "has no <name>"),
        ("<domain><name> </name></domain>", "has no <name>"),
        ("<domain><name>a</name><name>b</name></domain>", "<domain> has 2 <name>"),
        ("<domain><name>a</name><devices/><devices/></domain>", "<domain> has 2 <devices>"),
        ("<domain><name>a</name><devices><interface type='bridge'><mac address='1'/><mac address='2'/></interface></devices></domain>", "2 <mac>"),
        (
            "<domain><name>a</name><devices><interface type='bridge'><source bridge='a'/><source bridge='b'/></interface></devices></domain>",
            "2 <source>"
        ),
        ("<domain><name>a</name><devices><interface><target dev='a'/><target dev='b'/></interface></devices></domain>", "2 <target>"),
        ("<domain><name>a</name><metadata/><metadata/></domain>", "2 <metadata>"),
        ("<domstatus/>", "has no <domain>"),
        ("<network><name>a</name></network>", "<network> is no domain"),
        ("<domain><name>a</name>", "line 1: <domain> isn't closed"),
    ])
    func refused(_ xml: String, _ why: String) {
        let found = reason { try LibvirtDomain(Array(xml.utf8)) }
        #expect(found?.contains(why) == true, "\(found ?? "")")
    }

    @Test func messagesSteerNoTerminal() {
        let found = reason { try LibvirtDomain(Array("<\u{202e}x><name>a</name></\u{202e}x>".utf8)) }
        #expect(found?.contains("\\u{202e}x") == true && found?.contains("\u{202e}") == false)
        let twice = reason {
            try LibvirtDomain(Array("<domain><name>a</name><metadata><\u{202e}g xmlns='urn:vifguard:1'/></metadata></domain>".utf8))
        }
        #expect(twice?.contains("\u{202e}") == false)
        let open = reason { try LibvirtDomain(Array("<\u{85}x a\u{9b}=1>".utf8)) }
        #expect(open?.contains("attribute's value isn't quoted") == true)
        for text in ["<\u{85}x>", "</\u{85}x>", "<x \u{85}>", "<x \u{85}='' \u{85}=''>"] {
            let found = reason { try LibvirtDomain(Array(text.utf8)) }
            #expect(found?.contains("\u{85}") == false && found?.contains("\\u{85}") == true, "\(found ?? "")")
        }
    }
}
