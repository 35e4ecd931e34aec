import Foundation
import RepeatableChance
import Testing

/// The fuzz target's requests, changed at random: the same ones in each run.
@Suite(.timeLimit(.minutes(5)))
struct HostileRequestTests {
    private static let seeds: [[UInt8]] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/Seeds/FuzzAPI").standardized
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
        return names.compactMap { try? Array(Data(contentsOf: folder.appending(path: $0))) }
    }()

    /// Parts of requests that mean something, and bytes that break texts.
    private static let words: [[UInt8]] =
        [
            "%", "%00", "%ff", "+", "&", "=", "\n", "\u{0}", "\"", "\\u0000", "\\ud800", "{", "}", "[", "]", "null", "-1", "1e999",
            "99999999999999999999",
            "guest", "\u{202e}", "é", "fe80::/64", "0.0.0.0/0", "--- ", "!!binary ", "&a *a", "<<: ",
        ].map { Array($0.utf8) } + [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]]

    @Test func `there are seeds of every kind`() {
        #expect(Set(Self.seeds.compactMap { $0.first.map { $0 % 5 } }) == [0, 1, 2, 3, 4])
    }

    @Test(arguments: 0..<4) func `whatever is sent is taken or refused`(_ run: Int) {
        var dice = Chance(seed: UInt64(run))
        for _ in 0..<3000 {
            guard var request = Self.seeds.randomElement(using: &dice) else { return }
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let place = Int.random(in: 0...request.count, using: &dice)
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: request.insert(contentsOf: Self.words.randomElement(using: &dice)!, at: place)
                case 1: request.removeSubrange(place..<min(request.count, place + Int.random(in: 1...8, using: &dice)))
                case 2: if place < request.count { request[place] = UInt8.random(in: 0...255, using: &dice) }
                default: request.insert(contentsOf: request[place...].prefix(Int.random(in: 1...16, using: &dice)), at: place)
                }
            }
            readRequest(request)
        }
    }
}
