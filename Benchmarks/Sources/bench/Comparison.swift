import Lab

/// Measures every kind of frame on bridges that differ in their guard alone, in interleaved rounds: within a round the
/// engines take turns at one kind of frame, so what else the machine does meets all of them.
struct Comparison {
    let options: Options
    let progress: Progress

    /// Nanoseconds that one measurement is to last, long compared with the clock and short compared with a scheduler's
    /// patience with a real-time thread.
    static let sampleLength = 40e6

    /// What was found with one number of guests, and why an engine is missing.
    struct Outcome {
        var results: [Result] = []
        var fanOuts: [FanOut] = []
        var victims: [Victim] = []
        var absent: [Engine: String] = [:]
    }

    /// All that is asked for, on one bridge.
    func run(guests count: Int) throws -> Outcome {
        let scene = Scene(guests: count)
        var outcome = Outcome()
        let networks = try build(scene, options.engines, &outcome.absent)
        if options.parts.contains(.frames) { outcome.results = try measure(scene, networks) }
        if options.parts.contains(.fanOut) {
            var broadcasts = FanOutRounds(networks, guest: scene.guest, guests: count)
            try rounds(scene, "broadcasts") { try broadcasts.perform(round: $0) }
            outcome.fanOuts = try broadcasts.results()
        }
        if options.parts.contains(.flood), let victim = scene.other {
            var floods = VictimRounds(networks, flooder: scene.guest, victim: victim, guests: count)
            try rounds(scene, "beside a flood") { try floods.perform(round: $0) }
            outcome.victims = floods.results()
        }
        return outcome
    }

    /// Frames on one bridge of a host that has several, each full of guests: what doesn't grow with them may be as many.
    func run(guests count: Int, bridges: Int) throws -> Outcome {
        let scene = Scene(guests: count, bridges: bridges)
        var outcome = Outcome()
        let networks = try build(scene, options.engines.filter { $0 == .plain || $0 == .tcx }, &outcome.absent)
        outcome.results = try measure(scene, networks)
        return outcome
    }

    private func build(_ scene: Scene, _ engines: [Engine], _ absent: inout [Engine: String]) throws -> [MeasuredNetwork] {
        let injector = try Injector(cpu: options.cpu)
        var networks: [MeasuredNetwork] = []
        for engine in engines {
            try Interruption.check()
            progress.update("\(scene.title): building the network '\(engine.title)'")
            do {
                let network = try MeasuredNetwork(
                    engine, guests: scene.guests, guest: scene.guest, other: scene.other, bridges: scene.bridges, injector: injector)
                networks.append(network)
            } catch  where engine.isOptional {
                absent[engine] = "\(error)"
            }
        }
        return networks
    }

    private func rounds(_ scene: Scene, _ what: String, _ body: (Int) throws -> Void) throws {
        for round in 0..<options.rounds {
            progress.update("\(scene.title), \(what): round \(round + 1) of \(options.rounds)")
            try body(round)
        }
    }

    private func measure(_ scene: Scene, _ networks: [MeasuredNetwork]) throws -> [Result] {
        let traffic = scene.traffic.filter { options.filter.map($0.title.contains) ?? true }
        var counts = try calibrate(networks, traffic)
        var samples = traffic.map { _ in [Engine: [Sample]]() }
        try rounds(scene, "frames") { round in
            for (number, kind) in traffic.enumerated() {
                for network in networks.inTurn(round) {
                    let passage = try sample(network, kind, &counts[number][network.engine, default: 1])
                    samples[number][network.engine, default: []].append(passage)
                }
            }
        }
        return try zip(traffic, samples).flatMap { try results($0, scene, $1) }
    }

    // MARK: Samples

    struct Sample {
        let nanoseconds: Double
        let share: Double
    }

    /// How many frames make a sample, by kind and engine: a rule list may cost fifty times what a plain bridge does.
    private func calibrate(_ networks: [MeasuredNetwork], _ traffic: [Traffic]) throws -> [[Engine: Int]] {
        try traffic.map { kind in
            var counts: [Engine: Int] = [:]
            for network in networks {
                _ = try network.send(kind, honest: network.engine == .plain, count: 256)
                counts[network.engine] = 512
                _ = try sample(network, kind, &counts[network.engine, default: 1])
            }
            return counts
        }
    }

    /// Measures, and leaves in `count` how many frames a sample of the wanted length takes.
    private func sample(_ network: MeasuredNetwork, _ kind: Traffic, _ count: inout Int) throws -> Sample {
        try Interruption.check()
        let passage = try network.send(kind, honest: network.engine == .plain, count: count)
        count = Int(min(max(Self.sampleLength / max(passage.nanoseconds, 1), 128), 500_000))
        return Sample(nanoseconds: passage.nanoseconds, share: passage.share)
    }

    // MARK: Results

    private func results(_ kind: Traffic, _ scene: Scene, _ samples: [Engine: [Sample]]) throws -> [Result] {
        guard let plain = samples[.plain] else { return [] }
        return try Engine.allCases.compactMap { engine in
            guard let own = samples[engine] else { return nil }
            let ratios = zip(own, plain).map { $0.nanoseconds / $1.nanoseconds }
            try check(kind, engine, own)
            let passes = own.allSatisfy { $0.share > 0.999 }
            return Result(kind, engine: engine, scene, ratios: ratios, nanoseconds: own.map(\.nanoseconds), passes: passes)
        }
    }

    /// A figure means something only if the frames went where they should.
    private func check(_ kind: Traffic, _ engine: Engine, _ samples: [Sample]) throws {
        let passesAll = samples.allSatisfy { $0.share > 0.999 }
        let stopsAll = samples.allSatisfy { $0.share < 0.001 }
        let isRight: Bool
        switch (kind.kind, engine) {
        case (.forwarded, _), (.spoofed, .plain): isRight = passesAll
        case (.spoofed, let engine) where engine.isOurs: isRight = stopsAll
        case (.spoofed, _): isRight = passesAll || stopsAll
        }
        guard isRight else {
            let shares = samples.map { "\(Report.decimal($0.share * 100, 2)) %" }.joined(separator: ", ")
            throw LabError(
                action: "measure '\(engine.title)' with '\(kind.title)'",
                reason: "of the frames these shares arrived, round by round: \(shares); is another program at work on this host's bridges?")
        }
    }
}
