import Addresses
import Packets
import Policy

/// An attack that takes more than frames: ports come and go, bindings change.
struct Scenario: Sendable {
    let name: String
    let rule: String
    let reason: Reason?
    let countedAt: CountingPlace
    /// Where its success shows.
    let shownAt: Site
    /// Whether it succeeded.
    let body: @Sendable (ProofPass) throws -> Bool

    static let all: [Scenario] = [
        Scenario(
            name: "replugged-port-keeps-the-binding", rule: "1", reason: .unjudged, countedAt: .to(.outside), shownAt: .outside
        ) { pass in
            defer { try? pass.guardian?.bind(.db) }
            try pass.network.replug(.db)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(
            name: "replugged-port-reaches-a-guest", rule: "1", reason: .unjudged, countedAt: .to(.mail), shownAt: .mail
        ) { pass in
            defer { try? pass.guardian?.bind(.db) }
            try pass.network.replug(.db)
            return try pass.network.arrives(Stage.db.arp(.request, saying: Stage.db.ip4), from: .db, at: .mail)
        },
        Scenario(name: "port-whose-binding-is-taken-away", rule: "1", reason: .noBinding, countedAt: .from(.db), shownAt: .outside) { pass in
            defer { try? pass.guardian?.bind(.db) }
            try pass.guardian?.close(.db)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(name: "reading-after-the-binding-is-taken-away", rule: "1", reason: .noBinding, countedAt: .to(.db), shownAt: .db) { pass in
            defer { try? pass.guardian?.bind(.db) }
            try pass.guardian?.close(.db)
            return try pass.network.arrives(Stage.outside.ip4(to: Stage.db, .datagram), from: .outside, at: .db)
        },
        Scenario(name: "former-guests-address-on-a-port", rule: "F2", reason: .ip4Source, countedAt: .from(.db), shownAt: .outside) { pass in
            defer { try? pass.guardian?.bind(.db) }
            var binding = Stage.binding(of: .db)!
            binding.guest = "newcomer"
            binding.addresses4 = [IPv4Prefix(Stage.nobody4)]
            try pass.guardian?.bind(.db, binding)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(
            name: "spoofing-while-bindings-change", rule: "F2", reason: .ip4Source, countedAt: .from(.db), shownAt: .outside
        ) { pass in try Rebinding.run(pass).spoofed > 0 },
    ]
}

extension ProofNetwork {
    /// Sends one frame with a mark of its own, and says whether it arrived once it would have had to.
    func arrives(_ frame: Frame, from sender: Site, at receiver: Site) throws -> Bool {
        let marker = Honest.frame(from: Honest.guest, to: Stage.outside)
        let injection = Injection(sender, bytes: frame.bytes + marker.bytes.suffix(10))
        let (sniffer, outside) = (try sniffer(at: receiver), try self.sniffer(at: .outside))
        try sniffer.clear()
        try outside.clear()
        try send(injection)
        try send(marker)
        guard try outside.first(within: .seconds(10), where: { $0.bytes == marker.bytes }) != nil else {
            throw LabError(action: "prove anything", reason: "an honest frame didn't arrive at outside")
        }
        try sniffer.drain()
        return sniffer.frames.contains { $0.bytes == injection.bytes }
    }
}

/// A guest sends its own and others' addresses as fast as it can, while its binding is replaced over and over.
enum Rebinding {
    static let frames = 20_000

    /// How many of the frames arrived: all of the honest ones should, and none of the spoofed.
    static func run(_ pass: ProofPass) throws -> (honest: Int, spoofed: Int, changes: Int) {
        let db = Stage.db
        let honest = db.ip4(to: Stage.outside, .udp(from: 9, to: 9, payload: Array("own".utf8))).bytes
        let spoofed = db.ip4(to: Stage.outside, .udp(from: 9, to: 9, payload: Array("not".utf8)), from: Stage.mail.ip4).bytes
        let sniffer = try pass.network.sniffer(at: .outside)
        try sniffer.clear()
        let sender = try FrameSender(on: "eth0", in: pass.network.namespace(of: .db))
        // The namespace's own thread sends, while this one changes the binding.
        let traffic = try BackgroundJob { for _ in 0..<frames { try sender.send([honest, spoofed]) } }
        var changes = 0
        var seen = (honest: 0, spoofed: 0)
        func take() throws {
            try sniffer.drain()
            seen.honest += sniffer.frames.count { $0.bytes == honest }
            seen.spoofed += sniffer.frames.count { $0.bytes == spoofed }
            try sniffer.clear()
        }
        var alternative = Stage.binding(of: .db)!
        // More than fits into a record, so that other maps change too.
        alternative.addresses4 += (200..<212).map { IPv4Prefix(IPv4Address(192, 0, 2, $0)) }
        while !traffic.isDone {
            try pass.guardian?.rebind(.db, changes % 2 == 0 ? alternative : Stage.binding(of: .db)!)
            changes += 1
            try take()
        }
        try traffic.finish()
        try pass.guardian?.bind(.db)
        // The other thread may have sent from another CPU: what is still on its way is waited for.
        let deadline = ContinuousClock.now + .seconds(10)
        while seen.honest < frames, ContinuousClock.now < deadline { try take() }
        try take()
        return (seen.honest, seen.spoofed, changes)
    }
}
