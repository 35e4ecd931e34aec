import Lab
import Packets
import Policy

/// The catalogue's attacks as they can be sent here: all whose frames alone are the attack. What takes a network made ready
/// for it, and floods, the proof and the tests of limits have.
struct CatalogueShots {
    struct Volley {
        var name: String
        /// What honest machines send first.
        var before: [Shot]
        /// Whether a serial may follow each frame.
        var frames: [(shot: Shot, takesSerial: Bool)]
    }

    let volleys: [Volley]

    /// - Parameter world: with the stage's guests plugged in.
    init(_ world: World) throws { volleys = try Catalogue.attacks.compactMap { try Self.volley($0, world) } }

    private static func volley(_ attack: Attack, _ world: World) throws -> Volley? {
        guard let reason = attack.reason, attack.preparations.allSatisfy(isUnneeded) else { return nil }
        // Limits go by the clock.
        if attack.effects.contains(where: { if case .floods = $0 { true } else { false } }) { return nil }
        let exit: String? = attack.countedAt.direction.isExit ? attack.countedAt.site.port : nil
        if exit == Stage.bridge { return nil }
        let before = attack.before.compactMap { injection in port(of: injection.site).map { shot(attack.name, injection, $0) } }
        // What is sent before makes a difference: it is sent here, too, and must arrive.
        for shot in before { _ = try world.send(shot) }
        let frames = try attack.frames.map { injection -> (shot: Shot, takesSerial: Bool)? in
            guard let port = port(of: injection.site) else { return nil }
            var shot = shot(attack.name, injection, port)
            if let exit { shot.exit = (exit, reason) } else { shot.reason = reason }
            guard try isFaithful(shot, world) else { return nil }
            var numbered = shot
            numbered.bytes += Serial.example
            return (shot, try isFaithful(numbered, world))
        }
        guard !frames.contains(where: { $0 == nil }) else {
            throw Failure.found("the catalogue's \(attack.name) isn't judged as \(reason) by policy.md's evaluator")
        }
        return Volley(name: attack.name, before: before, frames: frames.compactMap(\.self))
    }

    /// The stranger's port is closed all the time, and what an attack would bring about isn't looked at.
    private static func isUnneeded(_ preparation: Preparation) -> Bool {
        switch preparation {
        case .closes, .detectsDuplicates: true
        case .joins, .forwards: false
        }
    }

    private static func port(of site: Site) -> String? {
        site.isGuest || site == .gateway || site == .outside ? site.port : nil
    }

    private static func shot(_ name: String, _ injection: Injection, _ port: String) -> Shot {
        Shot(name, from: port, Frame(bytes: injection.bytes))
    }

    private static func isFaithful(_ shot: Shot, _ world: World) throws -> Bool {
        let fate = try world.fate(of: shot)
        guard let exit = shot.exit else { return fate.entry.reason == shot.reason }
        return fate.entry.reason == nil && fate.exits.first { $0.port.name == exit.port }?.verdict?.reason == exit.reason
    }
}

extension Direction {
    /// Whether frames leave the bridge this way.
    var isExit: Bool { self == .toGuest || self == .toUplink || self == .toHost }
}
