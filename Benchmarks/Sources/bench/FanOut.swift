import Addresses
import Lab
import Packets

/// What one broadcast from outside costs, which asks for the address of one guest.
struct FanOut: Codable {
    let guests: Int
    let engine: Engine
    /// To the plain bridge, in the same round.
    let ratio: Spread
    /// Of CPU time: this machine's.
    let nanoseconds: Spread
    /// How many guests got it.
    let copies: Double
}

/// An ARP request to all, sent into each network in turn.
struct FanOutRounds {
    private let networks: [MeasuredNetwork]
    private let frame: [UInt8]
    private let guests: Int
    /// How many frames make a sample.
    private var counts: [Engine: Int] = [:]
    private var samples: [Engine: [(nanoseconds: Double, copies: Double)]] = [:]

    init(_ networks: [MeasuredNetwork], guest: Guest, guests: Int) {
        self.networks = networks
        self.guests = guests
        let target = ARPPacket.Party(mac: MACAddress(rawValue: 0), ip: guest.address4)
        let question = NetworkPacket.arp(.request, sender: .init(mac: Outside.mac, ip: Outside.address4), target: target)
        frame = Frame.ethernet(from: Outside.mac, to: .broadcast, minimumLength: 60, question).bytes
    }

    mutating func perform(round: Int) throws {
        for network in networks.inTurn(round) {
            try Interruption.check()
            let count: Int
            if let known = counts[network.engine] {
                count = known
            } else {
                let first = try network.spread(frame, count: 4)
                count = Int(min(max(Comparison.sampleLength / first.nanoseconds, 4), 10_000))
                counts[network.engine] = count
            }
            samples[network.engine, default: []].append(try network.spread(frame, count: count))
        }
    }

    /// - Throws: `LabError` where the plain bridge didn't bring it to all, or Vifguard to others than the one.
    func results() throws -> [FanOut] {
        guard let plain = samples[.plain] else { return [] }
        return try Engine.allCases.compactMap { engine in
            guard let own = samples[engine] else { return nil }
            let copies = Spread(own.map(\.copies))
            if engine == .plain || engine.isOurs {
                try engine.check("a broadcast", copies, is: engine.isOurs ? 1 : Double(guests))
            }
            let ratios = zip(own, plain).map { $0.nanoseconds / $1.nanoseconds }
            return FanOut(guests: guests, engine: engine, ratio: Spread(ratios), nanoseconds: Spread(own.map(\.nanoseconds)), copies: copies.median)
        }
    }
}

extension Engine {
    /// - Throws: `LabError` where the least or the most differs from what is right by more than a thousandth.
    func check(_ what: String, _ found: Spread, is right: Double) throws {
        guard [found.minimum, found.maximum].allSatisfy({ ($0 - right).magnitude <= right / 1000 }) else {
            let range = [found.minimum, found.maximum].map { Report.decimal($0, 2) }.joined(separator: " to ")
            throw LabError(
                action: "measure '\(title)' with \(what)",
                reason: "\(range) copies arrived for each, in place of \(Int(right)); is another program at work on this host's bridges?")
        }
    }
}

extension Array {
    /// Each takes its turn at being first.
    func inTurn(_ round: Int) -> [Element] { indices.map { self[($0 + round) % count] } }
}
