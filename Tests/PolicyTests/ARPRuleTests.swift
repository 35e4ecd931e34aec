import Addresses
import Packets
import Policy
import Testing

/// Section 3 of policy.md.
@Suite struct ARPRuleTests {
    var site = Site()

    @Test mutating func `honest requests, replies, probes and announcements pass`() {
        #expect(site.fromAlice(.alice(.arp(.request, sender: Alice.party, target: nobody(Gateway.ip4)), to: .broadcast)) == nil)
        #expect(site.fromAlice(.alice(.arp(.reply, sender: Alice.party, target: Gateway.party))) == nil)
        #expect(site.fromAlice(.alice(.arp(.request, sender: Alice.party, target: nobody(Alice.ip4)), to: .broadcast)) == nil)
        let probe = NetworkPacket.arp(.request, sender: ARPPacket.Party(mac: Alice.mac, ip: .any), target: nobody(Alice.ip4))
        #expect(site.fromAlice(Frame.alice(probe, to: .broadcast).padded(to: 60)) == nil)
    }

    @Test mutating func `A1: only IPv4 over Ethernet, all 28 bytes of it`() {
        let honest = Frame.alice(.arp(.request, sender: Alice.party, target: Gateway.party))
        #expect(honest.bytes.count == 14 + 28)
        #expect(site.fromAlice(honest) == nil)
        for length in 8..<28 { #expect(site.fromAlice(honest.cut(to: 14 + length)) == .arpMalformed) }
        #expect(site.fromAlice(honest.replacing(at: 14, with: [0, 6])) == .arpMalformed)
        #expect(site.fromAlice(honest.replacing(at: 16, with: [8, 6])) == .arpMalformed)
        #expect(site.fromAlice(honest.replacing(at: 18, with: [8])) == .arpMalformed)
        #expect(site.fromAlice(honest.replacing(at: 19, with: [16])) == .arpMalformed)
    }

    @Test(arguments: [0, 3, 4, 8, 9, 0x0101] as [UInt16])
    mutating func `A2: neither RARP nor inverse ARP`(opcode: UInt16) {
        let frame = Frame.alice(.arp(.init(rawValue: opcode), sender: Alice.party, target: Gateway.party))
        #expect(site.fromAlice(frame) == .arpOpcode)
    }

    @Test(arguments: [ARPPacket.Operation.request, .reply])
    mutating func `A3: the sender's MAC is the frame's`(operation: ARPPacket.Operation) {
        let lie = ARPPacket.Party(mac: Bob.mac, ip: Alice.ip4)
        #expect(site.fromAlice(.alice(.arp(operation, sender: lie, target: Gateway.party))) == .arpSenderMAC)
    }

    @Test func `A3: another of her MACs won't do`() {
        let second = mac("02:00:00:00:01:0a")
        var site = Site { $0.macs.append(second) }
        #expect(site.fromAlice(.alice(.arp(.reply, sender: Alice.party, target: Gateway.party), from: second)) == .arpSenderMAC)
    }

    @Test mutating func `A4: requests poison caches as replies do`() {
        for address in [Gateway.ip4, Bob.ip4, far4] {
            let lie = ARPPacket.Party(mac: Alice.mac, ip: address)
            #expect(site.fromAlice(.alice(.arp(.request, sender: lie, target: Bob.party))) == .arpSenderIP)
            #expect(site.fromAlice(.alice(.arp(.reply, sender: lie, target: Bob.party))) == .arpSenderIP)
        }
        let nowhere = ARPPacket.Party(mac: Alice.mac, ip: .any)
        #expect(site.fromAlice(.alice(.arp(.reply, sender: nowhere, target: Alice.party))) == .arpSenderIP)
    }

    @Test func `A4: any address of a prefix is hers`() {
        var site = Site { $0.addresses4 = [IPv4Prefix("10.1.0.0/16")!] }
        let inside = ARPPacket.Party(mac: Alice.mac, ip: ip4("10.1.255.255"))
        let outside = ARPPacket.Party(mac: Alice.mac, ip: ip4("10.2.0.0"))
        #expect(site.fromAlice(.alice(.arp(.reply, sender: inside, target: Bob.party))) == nil)
        #expect(site.fromAlice(.alice(.arp(.reply, sender: outside, target: Bob.party))) == .arpSenderIP)
    }

    @Test func `A4: transit lends no address to ARP`() {
        var site = Site { $0.roles = .transit }
        let lie = ARPPacket.Party(mac: Alice.mac, ip: far4)
        #expect(site.fromAlice(.alice(.arp(.reply, sender: lie, target: Bob.party))) == .arpSenderIP)
    }

    @Test mutating func `A5: no probe for somebody else's address`() {
        let nowhere = ARPPacket.Party(mac: Alice.mac, ip: .any)
        #expect(site.fromAlice(.alice(.arp(.request, sender: nowhere, target: nobody(Bob.ip4)), to: .broadcast)) == .arpProbeTarget)
    }

    @Test func `A5: a probe is one even where 0_0_0_0 is hers`() {
        var site = Site { $0.addresses4 = [IPv4Prefix("0.0.0.0/8")!] }
        let nowhere = ARPPacket.Party(mac: Alice.mac, ip: .any)
        #expect(site.fromAlice(.alice(.arp(.request, sender: nowhere, target: nobody(Bob.ip4)))) == .arpProbeTarget)
        #expect(site.fromAlice(.alice(.arp(.request, sender: nowhere, target: nobody(ip4("0.0.0.1"))))) == nil)
    }
}
