import Policy
import Testing

@Suite struct ReasonTests {
    @Test func `names go there and back`() {
        for reason in Reason.allCases { #expect(Reason(name: reason.name) == reason) }
        #expect(Reason(name: "arp-sender-ip") == .arpSenderIP)
        #expect(Reason(name: "limit-neighbor") == .limitNeighbor)
        #expect(Reason(name: "ARP-sender-ip") == nil)
    }

    @Test func `no two reasons share a name or an explanation`() {
        #expect(Set(Reason.allCases.map(\.name)).count == 43)
        #expect(Set(Reason.allCases.map(\.explanation)).count == 43)
    }

    @Test func `explanations are one sentence and references name a source`() {
        for reason in Reason.allCases {
            #expect(reason.explanation.hasSuffix(".") && !reason.explanation.dropLast().contains(". "))
            #expect(["RFC ", "IEEE ", "Linux ", "ITU-T "].contains { reason.reference.hasPrefix($0) })
            #expect(!reason.rules.isEmpty)
        }
    }

    /// The table at the end of policy.md.
    @Test func `severities are as the page lists them`() {
        let malformed = [
            "truncated", "arp-malformed", "arp-opcode", "ip4-malformed", "ip4-tiny-fragment", "ip6-malformed", "ip6-header-chain",
            "ip6-fragment", "nd-malformed",
        ]
        let notice = [
            "no-binding", "unjudged", "ethertype", "no-ipv4", "no-ipv6", "not-for-guest-mac", "not-for-guest-ip4",
            "not-for-guest-ip6", "quiet", "limit-broadcast", "limit-neighbor",
        ]
        for reason in Reason.allCases {
            let expected: Severity = malformed.contains(reason.name) ? .malformed : notice.contains(reason.name) ? .notice : .violation
            #expect(reason.severity == expected, "\(reason)")
        }
    }

    @Test func `three reasons drop in audit mode too`() {
        #expect(Reason.allCases.filter(\.dropsInAudit) == [.noBinding, .unjudged, .l2Control])
    }
}
