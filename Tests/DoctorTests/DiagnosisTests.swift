import Foundation
import Testing

@testable import Doctor

/// How findings are told.
struct DiagnosisTests {
    @Test func `problems come first, and are what makes a host unsound`() throws {
        let findings = [
            Finding("c", .note, "x", found: "y", meaning: "z"), Finding("a", .problem, "x", found: "y", meaning: "z"),
            Finding("b", .warning, "x", found: "y", meaning: "z"),
        ]
        let diagnosis = Diagnosis(time: "now", findings: findings)
        #expect(diagnosis.findings.map(\.id) == ["a", "b", "c"] && !diagnosis.isSound)
        #expect(Diagnosis(time: "now", findings: Array(findings.filter { $0.severity != .problem })).isSound)
        let json = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(diagnosis)) as? [String: Any])
        #expect(json["sound"] as? Bool == false && json["problems"] as? Int == 1 && json["warnings"] as? Int == 1 && json["notes"] as? Int == 1)
        let first = try #require((json["findings"] as? [[String: Any]])?.first)
        #expect(Set(first.keys) == ["id", "severity", "where", "found", "meaning", "mend"] && first["severity"] as? String == "problem")
    }

    @Test(arguments: [
        ("vif1.0", "vif1.0"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$(reboot)", "'$(reboot)'"), ("a;b", "'a;b'"), ("*", "'*'"),
    ])
    func `a word of a command can't become another command`(word: String, written: String) { #expect(word.shellWord == written) }
}
