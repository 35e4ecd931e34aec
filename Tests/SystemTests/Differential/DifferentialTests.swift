import Foundation
import Lab
import Policy
import RepeatableChance
import Synchronization
import Testing

/// The kernel program and the evaluator judge the same frames. `VIFGUARD_DIFFERENTIAL_FRAMES` and
/// `VIFGUARD_DIFFERENTIAL_SEED` (`make differential FRAMES=… SEED=…`) say how many and which.
@Suite(.serialized) struct DifferentialTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let frames = environment["VIFGUARD_DIFFERENTIAL_FRAMES"].flatMap { Int($0) } ?? 2_000_000
    private static let seed = environment["VIFGUARD_DIFFERENTIAL_SEED"].flatMap { UInt64($0) } ?? 1
    private static let framesARound = 10_000

    @Test("kernel and evaluator agree on verdict and reason of millions of frames", .timeLimit(.minutes(20)))
    func agreement() async throws {
        let halves = try await withThrowingTaskGroup { group in
            for half in 0..<2 { group.addTask { try await Self.run(frames: Self.frames / 2, seed: Self.seed &* 2 &+ UInt64(half)) } }
            return try await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
        for difference in halves.flatMap(\.differences) { Issue.record("\(difference)") }
        var counts: [Reason?: Int] = [:]
        for half in halves { counts.merge(half.counts, uniquingKeysWith: +) }
        #expect(counts.values.reduce(0, +) >= Self.frames / 2 * 2 || !halves.allSatisfy(\.differences.isEmpty))
        // Limits depend on the clock, and are tested by themselves.
        guard halves.allSatisfy(\.differences.isEmpty) else { return }
        let reachable = Set(Reason.allCases).subtracting([.limitBroadcast, .limitNeighbor])
        let enough = min(20, Self.frames / 50_000)
        for reason in reachable where counts[reason, default: 0] < enough {
            Issue.record(
                "\(reason.name) came up \(counts[reason, default: 0]) times in \(Self.frames) frames: too few to say that both sides agree on it")
        }
        print("differential: \(counts.values.reduce(0, +)) frames, seed \(Self.seed), \(counts[nil, default: 0]) kept every rule")
    }

    private struct Outcome: Sendable {
        var differences: [String] = []
        var counts: [Reason?: Int] = [:]
    }

    private static func run(frames: Int, seed: UInt64) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try judge(frames: frames, seed: seed) }) }
        }
    }

    private static func judge(frames: Int, seed: UInt64) throws -> Outcome {
        let namespace = try NetworkNamespace("differential")
        return try namespace.run {
            var world = try DifferentialWorld()
            var grammar = FrameGrammar(seed: seed)
            var outcome = Outcome()
            for number in 0..<frames {
                if number % framesARound == 0, number > 0 { try world.begin(round: number / framesARound) }
                let place = grammar.dice.pick(world.places)
                let arriving = place.direction != .fromGuest && place.direction != .fromUplink
                let bytes = grammar.frame(for: place.binding, arriving: arriving)
                let isStamped = !grammar.dice.once(in: 10)
                let isReceived = !grammar.dice.once(in: 3)
                let (difference, reason) = try world.difference(bytes, at: place, isStamped: isStamped, isReceived: isReceived)
                outcome.counts[reason, default: 0] += 1
                guard let difference else { continue }
                outcome.differences.append("frame \(number) of seed \(seed): \(difference)")
                if outcome.differences.count == 5 { break }
            }
            return outcome
        }
    }
}
