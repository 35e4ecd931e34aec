import Datapath
import Policy
import Reporting
import Testing

@testable import Doctor

/// Who could be taken out of audit mode.
struct AuditTests {
    private func counters(into: [Reason: UInt64] = [:], out: [Reason: UInt64] = [:]) -> Counters {
        var counters = Counters()
        counters.into.audited = into.mapValues { Counters.Count(packets: $0) }
        counters.out.audited = out.mapValues { Counters.Count(packets: $0) }
        return counters
    }

    private func audits(_ counters: Counters, mode: Mode = .audit, history: History = History()) -> Audits {
        Audits(ports: [.init(name: "vif1.0", guest: "www", mode: mode, counters: counters)], history: history)
    }

    @Test func `a guest that is held to its binding is no matter`() {
        #expect(audits(counters(into: [.ip4Source: 3]), mode: .enforce).all.isEmpty)
    }

    @Test func `a guest that would have lost nothing is ready`() throws {
        // Others' traffic that would be kept from it is no loss.
        let audits = audits(counters(out: [.quiet: 900, .notForGuestMAC: 5, .notForGuestIP4: 1]))
        let audit = try #require(audits.all.first)
        #expect(audit.ready && audit.violates.isEmpty && audit.since == nil)
        let finding = audits.findings[0]
        #expect(finding.id == "audit-ready" && finding.severity == .note && finding.mend == ["mode: enforce   # at guest www"])
        #expect(finding.found.contains("since its port was guarded"))
    }

    @Test func `what a guest still violates is told with what would allow it`() throws {
        let audits = audits(counters(into: [.ip4Source: 3, .vlanTag: 40, .ip4Malformed: 1], out: [.vlanTag: 2, .quiet: 7]))
        let audit = try #require(audits.all.first)
        #expect(!audit.ready && audit.violates == ["ip4-source": 3, "vlan-tag": 42, "ip4-malformed": 1])
        let finding = audits.findings[0]
        #expect(finding.id == "audit-violates" && finding.severity == .warning)
        #expect(finding.found.hasSuffix("vlan-tag 42, ip4-source 3, ip4-malformed 1"))
        #expect(finding.mend == ["vlans: [...]   # vlan-tag", "addresses: [...]   # ip4-source"])
    }

    @Test func `with a store the last day counts, not what was before`() throws {
        func breach(_ reason: Reason, port: String = "vif1.0", guest: String? = "www", audited: Bool = true, direction: Direction = .fromGuest)
            -> Breach
        {
            Breach(guest: guest, port: port, bridge: "br0", direction: direction, reason: reason, count: 5, wasAudited: audited)
        }
        let old = counters(into: [.ip4Source: 3])
        let since = "2026-03-01T12:00:00.000Z"
        let clean = try #require(audits(old, history: History(since: since)).all.first)
        #expect(clean.ready && clean.since == since)
        // Others' doings, and what was dropped all the same, aren't what audit mode let pass.
        let others = History(
            breaches: [breach(.ip4Source, port: "vif2.0"), breach(.ip4Source, guest: "mail"), breach(.l2Control, audited: false)], since: since)
        #expect(audits(old, history: others).all[0].ready)
        let own = History(breaches: [breach(.raGuard), breach(.raGuard, direction: .toGuest)], since: since)
        #expect(audits(old, history: own).all[0].violates == ["ra-guard": 10])
        #expect(audits(old, history: own).findings[0].found.contains("since \(since)"))
        // A store that no agent keeps up to date says nothing of today.
        #expect(!audits(old, history: History(breaches: [])).all[0].ready)
    }

    @Test func `every reason has a line that allows it, or is nobody's right`() {
        for reason in Reason.allCases where reason.severity == .malformed { #expect(reason.allowance == nil, "\(reason)") }
        for reason in [Reason.macSource, .vlanTag, .ip4Source, .ip6Source, .raGuard, .dhcp4Server, .limitBroadcast] {
            #expect(reason.allowance != nil, "\(reason)")
        }
    }
}
