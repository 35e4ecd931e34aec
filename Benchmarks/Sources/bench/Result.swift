/// What one kind of frame costs on one engine.
struct Result: Codable {
    /// On the bridge.
    let guests: Int
    /// Of the host, with as many guests each.
    let bridges: Int
    let engine: Engine
    /// "guest to uplink", or "spoofed".
    let route: String
    /// "IPv4", "wrong MAC".
    let kind: String
    /// As a ratio to a forwarded frame on a plain bridge in the same round.
    let ratio: Spread
    /// Of CPU time a frame: this machine's, and nobody else's.
    let nanoseconds: Spread
    /// Whether the frames came out at the other end.
    let passes: Bool

    init(_ traffic: Traffic, engine: Engine, _ scene: Scene, ratios: [Double], nanoseconds: [Double], passes: Bool) {
        guests = scene.guests.count
        bridges = scene.bridges
        self.engine = engine
        switch traffic.kind {
        case .forwarded(let route, let family):
            self.route = route.rawValue
            kind = family.rawValue
        case .spoofed(let spoof):
            route = Self.spoofed
            kind = spoof.rawValue
        }
        ratio = Spread(ratios)
        self.nanoseconds = Spread(nanoseconds)
        self.passes = passes
    }

    static let spoofed = "spoofed"
    var isSpoofed: Bool { route == Self.spoofed }
}

/// The middle of some measurements, and how far they lie apart.
struct Spread: Codable, Hashable {
    let median: Double
    let minimum: Double
    let maximum: Double

    /// - Parameter values: at least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        minimum = sorted.first ?? .nan
        maximum = sorted.last ?? .nan
        median = sorted.isEmpty ? .nan : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    func map(_ change: (Double) -> Double) -> Spread { Spread([minimum, median, maximum].map(change)) }
}
