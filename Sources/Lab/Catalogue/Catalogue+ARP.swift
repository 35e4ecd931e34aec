import Addresses
import Packets
import Policy

// Section 3: from a guest, ARP.
extension Catalogue {
    static let arp = malformedARP + forgedSenders + probes

    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, host = Stage.host

    private static func raw(_ name: String, _ packet: NetworkPacket) -> Attack {
        Attack(
            name, "A1", .arpMalformed, from: .www, [.ethernet(from: a.mac, to: gateway.mac, packet)], .arrives(at: .gateway), marked: false)
    }

    private static let malformedARP: [Attack] = [
        Attack(
            "arp-of-ieee-802-hardware", "A1", .arpMalformed, from: .www,
            [a.arp(.reply, saying: victim.ip4, to: gateway.mac, about: gateway.ip4, targetMAC: gateway.mac, hardwareType: 6)],
            .poisons(.gateway, .v4(victim.ip4), a.mac)
        ).after(victim.asksFor(gateway)),
        raw(
            "arp-cut-in-the-addresses",
            .raw(.arp, Array(NetworkPacket.arp(.reply, sender: a.arpParty, target: gateway.arpParty).bytes.prefix(27)))),
        raw("arp-with-another-address-length", .arp(.reply, sender: a.arpParty, target: gateway.arpParty, protocolLength: 16)),
        raw("arp-with-another-hardware-length", .arp(.reply, sender: a.arpParty, target: gateway.arpParty, hardwareLength: 8)),
        raw("arp-for-another-protocol", .arp(.reply, sender: a.arpParty, target: gateway.arpParty, protocolType: .ipv6)),
        Attack(
            "inverse-arp", "A2", .arpOpcode, from: .www, [a.arp(ARPPacket.Operation(rawValue: 8), saying: a.ip4, to: gateway.mac)],
            .arrives(at: .gateway)),
        Attack("rarp-in-arp", "A2", .arpOpcode, from: .www, [a.arp(.reverseReply, saying: a.ip4, about: victim.ip4)], .arrives(at: .mail)),
    ]

    private static let forgedSenders: [Attack] = [
        Attack(
            "arp-reply-with-anothers-mac", "A3", .arpSenderMAC, from: .www,
            [a.arp(.reply, saying: a.ip4, at: victim.mac, to: gateway.mac, about: gateway.ip4, targetMAC: gateway.mac)],
            .poisons(.gateway, .v4(a.ip4), victim.mac)
        ).after(a.asksFor(gateway)),
        Attack(
            "arp-request-with-anothers-mac", "A3", .arpSenderMAC, from: .www,
            [a.arp(.request, saying: a.ip4, at: victim.mac, to: gateway.mac, about: gateway.ip4)],
            .poisons(.gateway, .v4(a.ip4), victim.mac)),
        Attack(
            "arp-reply-for-the-gateway", "A4", .arpSenderIP, from: .www,
            [a.arp(.reply, saying: gateway.ip4, to: victim.mac, about: victim.ip4, targetMAC: victim.mac)],
            .poisons(.mail, .v4(gateway.ip4), a.mac)
        ).after(gateway.asksFor(victim)),
        Attack(
            "arp-request-from-the-gateways-address", "A4", .arpSenderIP, from: .www,
            [a.arp(.request, saying: gateway.ip4, to: victim.mac, about: victim.ip4)], .poisons(.mail, .v4(gateway.ip4), a.mac)),
        Attack(
            "arp-announcement-of-the-gateway", "A4", .arpSenderIP, from: .www, [a.arp(.request, saying: gateway.ip4)],
            .arrives(at: .db), .poisons(.mail, .v4(gateway.ip4), a.mac)
        ).after(gateway.asksFor(victim)),
        Attack(
            "gratuitous-arp-reply-for-the-gateway", "A4", .arpSenderIP, from: .www,
            [a.arp(.reply, saying: gateway.ip4, targetMAC: a.mac)], .poisons(.mail, .v4(gateway.ip4), a.mac)
        ).after(gateway.asksFor(victim)),
        Attack(
            "arp-announcement-of-a-guest", "A4", .arpSenderIP, from: .www, [a.arp(.request, saying: victim.ip4)],
            .poisons(.gateway, .v4(victim.ip4), a.mac)
        ).after(victim.asksFor(gateway)),
        Attack(
            "arp-reply-for-a-guest-to-the-host", "A4", .arpSenderIP, from: .www,
            [a.arp(.reply, saying: victim.ip4, to: host.mac, about: host.ip4, targetMAC: host.mac)], .poisons(.host, .v4(victim.ip4), a.mac)
        ).after(victim.asksFor(host)),
        Attack(
            "arp-reply-for-the-host", "A4", .arpSenderIP, from: .www,
            [a.arp(.reply, saying: host.ip4, to: victim.mac, about: victim.ip4, targetMAC: victim.mac)],
            .poisons(.mail, .v4(host.ip4), a.mac)
        ).after(host.asksFor(victim)),
        Attack(
            "arp-reply-for-a-virtual-router", "A4", .arpSenderIP, from: .www,
            [a.arp(.reply, saying: Stage.virtual4, to: gateway.mac, about: gateway.ip4, targetMAC: gateway.mac)], .arrives(at: .gateway)),
        Attack(
            "arp-for-a-free-address", "A4", .arpSenderIP, from: .www, [a.arp(.request, saying: Stage.nobody4)],
            .arrives(at: .gateway), .arrives(at: .host)),
        Attack(
            "arp-reply-from-nowhere", "A4", .arpSenderIP, from: .www, [a.arp(.reply, saying: .any, about: victim.ip4)], .arrives(at: .mail)),
        Attack(
            "arp-poisoning-by-a-transit-guest", "A4", .arpSenderIP, from: .vpn,
            [Stage.vpn.arp(.reply, saying: gateway.ip4, to: victim.mac, about: victim.ip4, targetMAC: victim.mac)],
            .poisons(.mail, .v4(gateway.ip4), Stage.vpn.mac)
        ).after(gateway.asksFor(victim)),
    ]

    private static let probes: [Attack] = [
        Attack(
            "arp-probe-for-a-guests-address", "A5", .arpProbeTarget, from: .www, [a.arp(.request, saying: .any, about: victim.ip4)],
            .arrives(at: .mail)),
        Attack(
            "arp-probe-for-the-gateways-address", "A5", .arpProbeTarget, from: .www, [a.arp(.request, saying: .any, about: gateway.ip4)],
            .arrives(at: .gateway)),
    ]
}
