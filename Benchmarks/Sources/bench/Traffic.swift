import Addresses
import Packets

/// One kind of frame to be measured: where it enters the bridge, where it leaves it, and its bytes.
struct Traffic: Sendable {
    enum Place: Sendable { case guest, otherGuest, uplink, host }

    enum Route: String, Sendable, CaseIterable {
        case guestToUplink = "guest to uplink"
        case uplinkToGuest = "uplink to guest"
        case guestToGuest = "guest to guest"
        /// To the host's own stack, which throws away what isn't for it.
        case guestToHost = "guest to host"
    }

    enum Family: String, Sendable, CaseIterable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
        case ipv6Prefix = "IPv6 in a /64"
        /// A reply, to one.
        case arp = "ARP"
        /// An advertisement of neighbour discovery, to one.
        case neighbour = "ND"
    }

    enum Kind: Sendable {
        case forwarded(Route, Family)
        case spoofed(Spoof)
    }

    let kind: Kind
    let entry: Place
    let exit: Place
    let frame: [UInt8]
    /// The same with nothing wrong in it: what a plain bridge forwards, and the cost all others are compared with.
    let honest: [UInt8]

    /// "guest to uplink, IPv4"; "spoofed, wrong MAC".
    var title: String {
        switch kind {
        case .forwarded(let route, let family): "\(route.rawValue), \(family.rawValue)"
        case .spoofed(let spoof): "spoofed, \(spoof.rawValue)"
        }
    }

    /// The frames of each route and family, then the spoofs: 60 bytes (IPv6 62), as short as Ethernet (UDP) has them, but for
    /// spoofs that need more.
    ///
    /// - Parameters:
    ///   - other: another guest of the bridge, or nil if there is none.
    ///   - stranger: whose MAC and addresses the guest takes for its spoofs.
    static func all(guest: Guest, other: Guest?, stranger: Guest) -> [Traffic] {
        var all: [Traffic] = []
        for route in Route.allCases {
            for family in Family.allCases {
                guard let ends = ends(route, family, guest, other) else { continue }
                let frame = ends.frame(family)
                all.append(
                    Traffic(kind: .forwarded(route, family), entry: route.entry, exit: route.exit, frame: frame, honest: frame))
            }
        }
        return all + Spoof.allCases.map { $0.traffic(guest, stranger) }
    }

    private static func ends(_ route: Route, _ family: Family, _ guest: Guest, _ other: Guest?) -> Ends? {
        let (near, far) = (Ends.Party(guest, family), Ends.Party.outside(family))
        if family == .arp || family == .neighbour, route == .guestToGuest || route == .guestToHost { return nil }
        switch route {
        case .guestToUplink: return Ends(source: near, destination: far)
        case .uplinkToGuest: return Ends(source: far, destination: near)
        case .guestToGuest: return other.map { Ends(source: near, destination: Ends.Party($0, family)) }
        case .guestToHost: return Ends(source: near, destination: Ends.Party(mac: Outside.hostMAC, address: far.address))
        }
    }

    /// From outside to a guest, over IPv4.
    static func inbound(to guest: Guest, at exit: Place) -> Traffic {
        let frame = Ends(source: .outside(.ipv4), destination: Ends.Party(guest, .ipv4)).frame(.ipv4)
        return Traffic(kind: .forwarded(.uplinkToGuest, .ipv4), entry: .uplink, exit: exit, frame: frame, honest: frame)
    }
}

extension Traffic.Route {
    fileprivate var entry: Traffic.Place { self == .uplinkToGuest ? .uplink : .guest }
    fileprivate var exit: Traffic.Place {
        switch self {
        case .guestToUplink: .uplink
        case .uplinkToGuest: .guest
        case .guestToGuest: .otherGuest
        case .guestToHost: .host
        }
    }
}

/// From whom to whom a frame says that it goes.
struct Ends {
    struct Party {
        var mac: MACAddress
        var address: IPAddress

        init(mac: MACAddress, address: IPAddress) {
            self.mac = mac
            self.address = address
        }

        init(_ guest: Guest, _ family: Traffic.Family) {
            let address: IPAddress =
                switch family {
                case .ipv4, .arp: .v4(guest.address4)
                case .ipv6, .neighbour: .v6(guest.address6)
                case .ipv6Prefix: .v6(guest.addressInPrefix6)
                }
            self.init(mac: guest.mac, address: address)
        }

        static func outside(_ family: Traffic.Family) -> Party {
            Party(mac: Outside.mac, address: family == .ipv4 || family == .arp ? .v4(Outside.address4) : .v6(Outside.address6))
        }
    }

    var source: Party
    var destination: Party

    func frame(_ family: Traffic.Family) -> [UInt8] {
        let datagram = UpperLayer.udp(from: 12_345, to: 80)
        let packet: NetworkPacket
        switch (source.address, destination.address) {
        case (.v4(let from), .v4(let to)) where family == .arp:
            packet = .arp(.reply, sender: .init(mac: source.mac, ip: from), target: .init(mac: destination.mac, ip: to))
        case (.v6(let from), .v6(let to)) where family == .neighbour:
            packet = .ipv6(from: from, to: to, .neighbourAdvertisement(target: from, options: [.targetLinkLayer(source.mac)]))
        case (.v4(let from), .v4(let to)): packet = .ipv4(from: from, to: to, datagram)
        case (.v6(let from), .v6(let to)): packet = .ipv6(from: from, to: to, datagram)
        default: preconditionFailure("a frame goes from IPv4 to IPv6")
        }
        return frame(packet)
    }

    func frame(_ packet: NetworkPacket) -> [UInt8] {
        Frame.ethernet(from: source.mac, to: destination.mac, minimumLength: 60, packet).bytes
    }
}
