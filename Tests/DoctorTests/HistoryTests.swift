import Datapath
import Foundation
import Policy
import Reporting
import Testing

@testable import Doctor
@testable import EventStore

/// What the store of events says of the last day.
struct HistoryTests {
    @Test(arguments: [false, true]) func `a guest in audit mode isn't called ready because others were louder`(ofAuditsAlone: Bool) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "vifguard-history-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        let folder = StateFolder(url.path)
        let lock = try AgentLock.take(in: folder)
        let store = try EventStore(folder)
        let now = WallClock.now(CLOCK_REALTIME)
        func violation(_ guest: String, wasAudited: Bool = true) -> Violation {
            Violation(bridge: "br0", guest: guest, port: "vif1.0", direction: .fromGuest, reason: .ip4Source, wasAudited: wasAudited)
        }
        func count(_ packets: UInt64) -> ViolationCount { ViolationCount(packets: packets, bytes: packets * 60, first: now, last: now, samples: []) }
        // More of them than anybody would look at one by one, each louder.
        var rows = Dictionary(uniqueKeysWithValues: (0..<1200).map { (violation("guest-\($0)"), count(1000)) })
        rows[violation("quiet")] = count(1)
        rows[violation("clean", wasAudited: false)] = count(1)
        try store.write(rows, nil)
        let history = History.observe(folder, ofAuditsAlone: ofAuditsAlone)
        #expect(history.since != nil && history.unseen == nil)
        let ports = ["quiet", "clean"].map { Audits.Port(name: "vif1.0", guest: $0, mode: .audit, counters: Counters()) }
        let audits = Audits(ports: ports, history: history).all
        #expect(audits.map(\.ready) == [false, true] && audits.first?.violates == ["ip4-source": 1])
        withExtendedLifetime(lock) {}
    }
}
