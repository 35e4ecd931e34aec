import Testing

@testable import Doctor

/// What is found where the policy names the classic engine.
struct ClassicRulesTests {
    private func findings(_ reading: ClassicRules.Reading, hasPrograms: Bool = false) -> [String] {
        ClassicRules(policyPath: "/etc/vifguard", reading: reading, hasPrograms: hasPrograms).findings.map { "\($0.id) \($0.severity.rawValue)" }
    }

    @Test func `shut chains are no problem`() { #expect(findings(.gaps([])) == ["classic-engine note"]) }

    @Test func `each gap is one, and so are two engines at once`() {
        #expect(findings(.gaps(["a", "b"])) == ["classic-engine note", "classic-gap problem", "classic-gap problem"])
        #expect(findings(.gaps([]), hasPrograms: true) == ["classic-engine note", "two-engines problem"])
    }

    @Test func `what can't be looked at is told`() { #expect(findings(.failed("x")) == ["classic-engine note", "not-looked-at note"]) }
}
