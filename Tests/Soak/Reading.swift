import Foundation
import Policy

/// What `vifguard status --json` says, as far as it is looked at.
struct Reading: Decodable {
    struct Count: Decodable { var packets: Int }

    struct Side: Decodable {
        var passed: Count
        var dropped: [String: Count]
        var wouldDrop: [String: Count]

        var tally: Tally {
            Tally(passed: passed.packets, dropped: Self.byReason(dropped), audited: Self.byReason(wouldDrop))
        }

        private static func byReason(_ counts: [String: Count]) -> [Reason: Int] {
            Dictionary(uniqueKeysWithValues: counts.compactMap { name, count in Reason(name: name).map { ($0, count.packets) } })
        }
    }

    struct Port: Decodable {
        var name: String
        var state: String
        var sent: Side
        var received: Side
    }

    struct Bridge: Decodable {
        var name: String
        var ports: [Port]
        var unguarded: [String]
    }

    var bridges: [Bridge]
    /// Frames dropped at interfaces that had programs and no record, which `status` doesn't tell.
    var nobodys = 0

    private enum CodingKeys: CodingKey { case bridges }

    var ports: [String: Port] {
        Dictionary(bridges.flatMap(\.ports).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    init(_ json: String) throws { self = try JSONDecoder().decode(Reading.self, from: Data(json.utf8)) }
}

/// A line of `vifguard events --summary --json`.
struct RecordedTotal: Decodable {
    var direction: String
    var verdict: String
    var reason: String
    var packets: Int

    static func read(_ lines: String) throws -> [RecordedTotal] {
        let decoder = JSONDecoder()
        return try lines.split(separator: "\n").map { try decoder.decode(RecordedTotal.self, from: Data($0.utf8)) }
    }
}
