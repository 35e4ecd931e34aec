import Addresses

/// Traffic that honest machines send, by the kernel's own stack wherever it can: it must pass with and without the guard.
struct LegitimateTraffic: Sendable {
    let name: String
    /// Throws if it didn't pass.
    let body: @Sendable (ProofPass) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (ProofPass) throws -> Void) {
        self.name = name
        self.body = body
    }

    static let all: [LegitimateTraffic] = resolution + transport + configuration + groups + announcements + roles + changes + spanningTree

    /// Each pair of machines for which the caches are cold: who asks whom.
    private static let pairs: [(from: Party, to: Party, String)] = [
        (Stage.www, Stage.gateway, "guest-to-gateway"), (Stage.gateway, Stage.www, "gateway-to-guest"),
        (Stage.outside, Stage.mail, "outside-to-guest"), (Stage.www, Stage.mail, "guest-to-guest"),
        (Stage.host, Stage.mail, "host-to-guest"),
        (Stage.db, Stage.host, "guest-to-host"),
    ]

    private static let resolution =
        pairs.flatMap { from, to, name in
            [
                LegitimateTraffic("\(name)-ipv4-with-cold-caches") {
                    try $0.chill(from.site, to.site)
                    try $0.ping(from.site, .v4(to.ip4))
                },
                LegitimateTraffic("\(name)-ipv6-with-cold-caches") {
                    try $0.chill(from.site, to.site)
                    try $0.ping(from.site, .v6(to.ip6))
                },
            ]
        } + [
            LegitimateTraffic("every-address-of-a-guest") { pass in
                for address in [Stage.www.ip4] + Stage.wwwMore4 {
                    try pass.chill(.www, .outside)
                    try pass.ping(.outside, .v4(address))
                    try pass.ping(.www, .v4(Stage.gateway.ip4), from: .v4(address))
                }
                for address in [Stage.www.ip6] + Stage.wwwMore6 {
                    try pass.chill(.www, .outside)
                    try pass.ping(.outside, .v6(address))
                    try pass.ping(.www, .v6(Stage.gateway.ip6), from: .v6(address))
                }
            },
            LegitimateTraffic("subnet-routed-to-a-guest") { pass in
                try pass.chill(.www, .gateway)
                try pass.ping(.internet, .v6(Stage.inRouted6))
                try pass.ping(.www, .v6(Stage.internet6), from: .v6(Stage.inRouted6))
            },
            LegitimateTraffic("link-local-by-eui-64") { pass in
                try pass.chill(.mail, .gateway)
                try pass.ping(.mail, .v6(Stage.gateway.linkLocal))
                try pass.chill(.mail, .gateway)
                try pass.ping(.gateway, .v6(Stage.mail.linkLocal))
                try pass.ping(.db, .v6(Stage.www.linkLocal))
            },
            LegitimateTraffic("link-local-of-the-guests-choice") { try StablePrivacy.tryOut($0) },
            LegitimateTraffic("ipv4-only-guest") { try $0.ping(.v4only, .v4(Stage.gateway.ip4)) },
            LegitimateTraffic("ipv6-only-guest") { try $0.ping(.v6only, .v6(Stage.gateway.ip6)) },
        ]

    private static let transport: [LegitimateTraffic] = [
        LegitimateTraffic("tcp-ipv4-from-a-guest") { try $0.talk(.www, to: .outside, at: .v4(Stage.outside.ip4)) },
        LegitimateTraffic("tcp-ipv4-to-a-guest") { try $0.talk(.outside, to: .www, at: .v4(Stage.www.ip4)) },
        LegitimateTraffic("tcp-ipv4-between-guests") { try $0.talk(.www, to: .mail, at: .v4(Stage.mail.ip4)) },
        LegitimateTraffic("tcp-ipv4-with-the-host") { try $0.talk(.mail, to: .host, at: .v4(Stage.host.ip4)) },
        LegitimateTraffic("tcp-ipv6-from-a-guest") { try $0.talk(.www, to: .outside, at: .v6(Stage.outside.ip6)) },
        LegitimateTraffic("tcp-ipv6-to-a-guest") { try $0.talk(.outside, to: .www, at: .v6(Stage.www.ip6)) },
        LegitimateTraffic("tcp-ipv6-between-guests") { try $0.talk(.www, to: .mail, at: .v6(Stage.mail.ip6)) },
        LegitimateTraffic("tcp-ipv6-with-the-host") { try $0.talk(.host, to: .mail, at: .v6(Stage.mail.ip6)) },
        LegitimateTraffic("udp") { pass in
            try pass.tell(.www, .outside, at: .v4(Stage.outside.ip4))
            try pass.tell(.outside, .www, at: .v4(Stage.www.ip4))
            try pass.tell(.www, .mail, at: .v6(Stage.mail.ip6))
            try pass.tell(.host, .www, at: .v6(Stage.www.ip6))
        },
        LegitimateTraffic("udp-in-fragments") { pass in
            try pass.tell(.www, .outside, at: .v4(Stage.outside.ip4), size: 9000)
            try pass.tell(.outside, .www, at: .v6(Stage.www.ip6), size: 9000)
        },
        LegitimateTraffic("large-pings-in-fragments") { pass in
            try pass.ping(.www, .v4(Stage.outside.ip4), size: 8000)
            try pass.ping(.outside, .v4(Stage.www.ip4), size: 8000)
            try pass.ping(.www, .v6(Stage.outside.ip6), size: 8000)
            try pass.ping(.host, .v6(Stage.www.ip6), size: 8000)
        },
        LegitimateTraffic("routed-through-the-host") { pass in
            try pass.ping(.www, .v4(Stage.backend4))
            try pass.ping(.backend, .v4(Stage.www.ip4))
            try pass.ping(.www, .v6(Stage.backend6))
            try pass.talk(.backend, to: .mail, at: .v6(Stage.mail.ip6))
            try pass.talk(.www, to: .backend, at: .v4(Stage.backend4))
        },
        LegitimateTraffic("path-mtu-discovery-ipv4") { try $0.talk(.www, to: .internet, at: .v4(Stage.internet4)) },
        LegitimateTraffic("path-mtu-discovery-ipv6") { try $0.talk(.www, to: .internet, at: .v6(Stage.internet6)) },
        LegitimateTraffic("traceroute") { try Traceroute.tryOut($0) },
    ]
}
