import Lab

/// What a guest has of a core that must deal with its neighbour's flood of spoofs as well.
struct Victim: Codable {
    let guests: Int
    let engine: Engine
    /// The victim's frames a second with the flood, as a ratio to those without, in the same round.
    let kept: Spread
    /// With the flood, as a ratio to a plain bridge with the flood.
    let toPlain: Spread
    /// Frames a second of one core, without and with the flood: this machine's.
    let quiet: Spread
    let flooded: Spread
}

/// A victim's frames and a neighbour's spoofs, at one core: it serves both ports in turn, as the kernel does where more
/// waits than there is time for (NAPI), and the victim gets what time is left.
struct VictimRounds {
    private let networks: [MeasuredNetwork]
    private let guests: Int
    private let honest: Traffic
    private let spoof: Traffic
    private var quiet: [Engine: [Double]] = [:]
    private var flooded: [Engine: [Double]] = [:]
    /// Frames in a turn.
    private static let turn = 512

    /// - Parameters:
    ///   - flooder: sends spoofs with the victim's IPv4 address.
    ///   - victim: gets frames from outside.
    init(_ networks: [MeasuredNetwork], flooder: Guest, victim: Guest, guests: Int) {
        self.networks = networks
        self.guests = guests
        honest = .inbound(to: victim, at: .otherGuest)
        spoof = Spoof.ipv4.traffic(flooder, victim)
    }

    mutating func perform(round: Int) throws {
        for network in networks.inTurn(round) {
            quiet[network.engine, default: []].append(try rate(network, isFlooded: false))
            flooded[network.engine, default: []].append(try rate(network, isFlooded: true))
        }
    }

    /// Frames that arrive at the victim in a second of the core.
    private func rate(_ network: MeasuredNetwork, isFlooded: Bool) throws -> Double {
        var (arrived, nanoseconds) = (0.0, 0.0)
        while nanoseconds < Comparison.sampleLength {
            try Interruption.check()
            if isFlooded { nanoseconds += try network.send(spoof, count: Self.turn).nanoseconds * Double(Self.turn) }
            let passage = try network.send(honest, count: Self.turn)
            nanoseconds += passage.nanoseconds * Double(Self.turn)
            arrived += passage.share * Double(Self.turn)
        }
        return arrived / nanoseconds * 1e9
    }

    func results() -> [Victim] {
        guard let plain = flooded[.plain] else { return [] }
        return Engine.allCases.compactMap { engine in
            guard let without = quiet[engine], let with = flooded[engine] else { return nil }
            return Victim(
                guests: guests, engine: engine, kept: Spread(zip(with, without).map(/)), toPlain: Spread(zip(with, plain).map(/)),
                quiet: Spread(without), flooded: Spread(with))
        }
    }
}
