import EventStore
import HTTPTypes
import Hummingbird
import Packets
import Policy
import Reporting

extension API {
    /// Who tried what, as far as the agent has recorded it.
    var eventRoutes: [Route] {
        [Route(.get, "/v1/events", violations), Route(.get, "/v1/events/totals", totals), Route(.get, "/v1/events/pcap", capture)]
    }

    @Sendable private func violations(_ call: Call) async throws -> Response {
        let question = try EventQuestion(call.request.uri.query, mostOf: 1000, else: 100)
        return try await lanes.events.run {
            let found = try events.violations(question.filter, newestFirst: true, after: question.place, limit: question.limit)
            return try JSONText.response(EventPage(found, limit: question.limit))
        }
    }

    @Sendable private func totals(_ call: Call) async throws -> Response {
        let question = try EventQuestion(call.request.uri.query, mostOf: 1000, else: 1000, hasPages: false)
        return try await lanes.events.run {
            try JSONText.response(try events.totals(question.filter, limit: question.limit).map(TotalReport.init))
        }
    }

    @Sendable private func capture(_ call: Call) async throws -> Response {
        let question = try EventQuestion(call.request.uri.query, mostOf: 10_000, else: 1000, hasPages: false)
        let file = try await lanes.events.run {
            let samples = try events.samples(question.filter, newestFirst: true, limit: question.limit)
            return CaptureFile(packets: samples.reversed().map(\.sample.packet)).pcap()
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/vnd.tcpdump.pcap", .contentDisposition: "attachment; filename=\"vifguard-events.pcap\""],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file)))
    }
}

/// Some events, the newest first.
private struct EventPage: Encodable {
    var events: [ViolationReport]
    /// What to give as `after` for those before these; nil for the last page.
    var next: String?

    init(_ found: [StoredViolation], limit: Int) {
        events = found.map(ViolationReport.init)
        if found.count == limit, let last = found.last { next = EventQuestion.word(for: last.place) }
    }
}

/// Which events are asked for, by the words that `vifguard events` has for its options.
struct EventQuestion: Sendable {
    let filter: EventFilter
    let limit: Int
    /// Where the last page ended.
    let place: StoredViolation.Place?

    private static let parameters = ["guest", "port", "bridge", "reason", "direction", "severity", "verdict", "since", "until", "limit"]

    /// - Parameters:
    ///   - query: the text after the question mark.
    ///   - most: the largest `limit` that there is.
    ///   - few: the one that holds where none is given.
    /// - Throws: `Problem`.
    init(_ query: String?, mostOf most: Int, else few: Int, hasPages: Bool = true) throws {
        let query = try Query(query, known: Self.parameters + (hasPages ? ["after"] : []))
        let now = WallClock.now.nanoseconds
        let day: UInt64 = 86_400_000_000_000
        let since = try Self.time("since", query, now)
        let until = try Self.time("until", query, now)
        if let since, let until, since > until { throw Problem.malformed("since is later than until: nothing lies between them") }
        filter = EventFilter(
            guest: query["guest"], port: query["port"], bridge: query["bridge"],
            reason: try query.choice("reason", of: Reason.allCases.map { ($0.name, $0) }),
            severity: try query.choice("severity", of: Severity.allCases.map { ($0.rawValue, $0) }),
            direction: try query.choice("direction", of: Direction.allCases.map { ($0.name, $0) }),
            wasAudited: try query.choice("verdict", of: [("drop", false), ("would drop", true)]), since: since ?? now - min(now, day), until: until)
        limit = try query.number("limit", in: 1...most) ?? few
        place = try query["after"].map { text in
            guard let place = Self.place(text) else { throw Problem.malformed("after=\(text): give what an answer had as next") }
            return place
        }
    }

    private static func time(_ name: String, _ query: Query, _ now: UInt64) throws -> UInt64? {
        guard let text = query[name] else { return nil }
        guard let time = TimePoint(text, now: now) else {
            throw Problem.malformed("\(name)=\(text): give a time such as 15m, 2h, 7d (so long ago) or 2026-03-01T12:00:00Z")
        }
        return time.nanoseconds
    }

    static func word(for place: StoredViolation.Place) -> String { "\(place.minute)-\(place.id)" }

    private static func place(_ text: String) -> StoredViolation.Place? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ (1...18).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let minute = Int64(parts[0]), let id = Int64(parts[1])
        else { return nil }
        return StoredViolation.Place(minute: minute, id: id)
    }
}
