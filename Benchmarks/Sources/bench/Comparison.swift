import Lab

/// Measures every kind of frame on bridges that differ in their guard alone, in interleaved rounds: within a round the
/// engines take turns at one kind of frame, so what else the machine does meets all of them.
struct Comparison {
    let options: Options
    let progress: Progress

    /// Nanoseconds that one measurement is to last, long compared with the clock and short compared with a scheduler's
    /// patience with a real-time thread.
    private static let sampleLength = 40e6

    private static func name(_ count: Int) -> String { count == 1 ? "1 guest" : "\(count) guests" }

    /// What was found with one number of guests, and why an engine is missing.
    struct Outcome {
        var results: [Result] = []
        var absent: [Engine: String] = [:]
    }

    func run(guests count: Int) throws -> Outcome {
        let guests = Guest.all(count)
        // In the middle of a rule list, where the average guest is.
        let middle = (count - 1) / 2
        let other = count > 1 ? guests[middle + 1] : nil
        let traffic = Traffic.all(guest: guests[middle], other: other, stranger: other ?? Guest(number: count + 1))
            .filter { options.filter.map($0.title.contains) ?? true }
        var outcome = Outcome()
        let networks = try build(guests, guests[middle], other, &outcome.absent)
        var counts = try calibrate(networks, traffic)
        var samples = traffic.map { _ in [Engine: [Sample]]() }
        for round in 0..<options.rounds {
            progress.update("\(Self.name(count)): round \(round + 1) of \(options.rounds)")
            for (number, kind) in traffic.enumerated() {
                // Each takes its turn at being first.
                for place in networks.indices {
                    let network = networks[(place + round) % networks.count]
                    let passage = try sample(network, kind, &counts[number][network.engine, default: 1])
                    samples[number][network.engine, default: []].append(passage)
                }
            }
        }
        for (kind, found) in zip(traffic, samples) { outcome.results += try results(kind, guests: count, found) }
        return outcome
    }

    private func build(_ guests: [Guest], _ guest: Guest, _ other: Guest?, _ absent: inout [Engine: String]) throws -> [MeasuredNetwork] {
        let injector = try Injector(cpu: options.cpu)
        var networks: [MeasuredNetwork] = []
        for engine in options.engines {
            try Interruption.check()
            progress.update("\(Self.name(guests.count)): building the network '\(engine.title)'")
            do {
                networks.append(try MeasuredNetwork(engine, guests: guests, guest: guest, other: other, injector: injector))
            } catch  where engine.isOptional {
                absent[engine] = "\(error)"
            }
        }
        return networks
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

    private func results(_ kind: Traffic, guests: Int, _ samples: [Engine: [Sample]]) throws -> [Result] {
        guard let plain = samples[.plain] else { return [] }
        return try Engine.allCases.compactMap { engine in
            guard let own = samples[engine] else { return nil }
            let ratios = zip(own, plain).map { $0.nanoseconds / $1.nanoseconds }
            try check(kind, engine, own)
            let passes = own.allSatisfy { $0.share > 0.999 }
            return Result(kind, engine: engine, guests: guests, ratios: ratios, nanoseconds: own.map(\.nanoseconds), passes: passes)
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
            let shares = samples.map { "\(Int(($0.share * 100).rounded())) %" }.joined(separator: ", ")
            throw LabError(
                action: "measure '\(engine.title)' with '\(kind.title)'",
                reason: "of the frames these shares arrived, round by round: \(shares); is another program at work on this host's bridges?")
        }
    }
}
