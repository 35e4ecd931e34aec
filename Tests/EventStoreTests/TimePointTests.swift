import Reporting
import Testing

/// Times as operators and clients of the API give them: who may ask must not be able to end the agent by a number.
@Suite struct TimePointTests {
    private static let now: UInt64 = 1_800_000_000_000_000_000

    @Test(
        arguments: [
            ("90s", now - 90_000_000_000), ("15m", now - 900_000_000_000), ("2h", now - 7_200_000_000_000), ("7d", now - 604_800_000_000_000),
            // Longer ago than 1970, and than 64 bits can say.
            ("999999999s", now - 999_999_999_000_000_000), ("999999999h", 0), ("999999999d", 0),
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.5+00:00", 1_500_000_000), ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
            ("2000-02-29T12:00:00+01:00", 951_822_000_000_000_000), ("2261-12-31T23:59:59Z", 9_214_646_399_000_000_000),
        ] as [(String, UInt64)])
    func read(_ text: String, _ nanoseconds: UInt64) {
        #expect(TimePoint(text, now: Self.now)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "s", "9", "-5m", "9999999999s", "2026-02-30", "2026-13-01", "1969-12-31T23:59:59Z", "2262-01-01", "4052-03-01T12:00:00.5+01:00",
        "9999-12-31T23:59:59Z", "2026-03-01T24:00", "2026-03-01T12:00:00+99:00", "1970-01-01T00:00:00+01:00",
    ])
    func refused(_ text: String) { #expect(TimePoint(text, now: Self.now) == nil) }
}
