import Glibc

/// A point in time as options and queries take it: so long ago (`90s`, `15m`, `2h`, `7d`), a date or a time of this host's
/// (`2026-03-01`, `2026-03-01T12:00`), or one that says its zone (RFC 3339).
package struct TimePoint: Hashable, Sendable {
    /// Since 1970.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// - Parameter now: nanoseconds since 1970.
    package init?(_ text: String, now: UInt64 = WallClock.now.nanoseconds) {
        guard let nanoseconds = Self.ago(text).map({ now - min($0, now) }) ?? Self.date(text) else { return nil }
        self.nanoseconds = nanoseconds
    }

    private static func ago(_ text: String) -> UInt64? {
        let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = number(text.dropLast(), 1...9) else { return nil }
        let (nanoseconds, isLonger) = UInt64(number).multipliedReportingOverflow(by: unit * 1_000_000_000)
        return isLonger ? .max : nanoseconds
    }

    /// Digits, and nothing else.
    private static func number(_ text: Substring, _ length: ClosedRange<Int>) -> Int? {
        guard length.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    /// What 63 bits hold in nanoseconds since 1970, as the store of events keeps them.
    private static let years = 1970...2261

    /// RFC 3339, 5.6, with the seconds, the time and the zone left out at will.
    private static func date(_ text: String) -> UInt64? {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { "Tt ".contains($0) }
        let day = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard day.count == 3, let year = number(day[0], 4...4), let month = number(day[1], 2...2), let date = number(day[2], 2...2),
            years.contains(year)
        else { return nil }
        var fields = tm()
        (fields.tm_year, fields.tm_mon, fields.tm_mday, fields.tm_isdst) = (Int32(year - 1900), Int32(month - 1), Int32(date), -1)
        var fraction: UInt64 = 0
        var zone: Int?
        if parts.count == 2 {
            guard let time = clock(parts[1], &fields) else { return nil }
            (fraction, zone) = time
        }
        let asked = fields
        let seconds = zone == nil ? mktime(&fields) : timegm(&fields) - (zone ?? 0)
        // The 31st of February is no day, and C makes one of it. (An hour may be skipped where clocks are put forward.)
        guard seconds >= 0, fields.tm_mday == asked.tm_mday, fields.tm_mon == asked.tm_mon else { return nil }
        return UInt64(seconds) * 1_000_000_000 + fraction
    }

    /// `12:00`, `12:00:05.25`, with `Z` or `+01:00` behind it: nanoseconds beyond the second, and seconds east of UTC.
    private static func clock(_ text: Substring, _ fields: inout tm) -> (fraction: UInt64, zone: Int?)? {
        var zone: Int?
        var time = text
        if let last = text.last, last == "Z" || last == "z" {
            zone = 0
            time = text.dropLast()
        } else if let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let offset = text[text.index(after: sign)...].split(separator: ":", omittingEmptySubsequences: false)
            guard offset.count == 2, let hours = number(offset[0], 2...2), let minutes = number(offset[1], 2...2), hours < 24, minutes < 60
            else { return nil }
            zone = (hours * 3600 + minutes * 60) * (text[sign] == "-" ? -1 : 1)
            time = text[..<sign]
        }
        let parts = time.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let hour = number(parts[0], 2...2), let minute = number(parts[1], 2...2), hour < 24, minute < 60
        else { return nil }
        var fraction: UInt64 = 0
        if parts.count == 3 {
            let second = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard let whole = number(second[0], 2...2), whole < 60 else { return nil }
            fields.tm_sec = Int32(whole)
            if second.count == 2 {
                guard number(second[1], 1...9) != nil else { return nil }
                fraction = UInt64(second[1] + String(repeating: "0", count: 9 - second[1].count)) ?? 0
            }
        }
        (fields.tm_hour, fields.tm_min) = (Int32(hour), Int32(minute))
        return (fraction, zone)
    }
}
