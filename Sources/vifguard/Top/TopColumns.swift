/// Which columns fit into a width, and how wide each is.
///
/// Ports and what was dropped there come first, then guests, what passed, reasons and bits; what doesn't fit is left out.
struct TopColumns: Hashable, Sendable {
    /// Two figures: into the bridge, and out of it.
    enum Pair: String, CaseIterable, Sendable {
        case droppedPackets = "DROPPED/s"
        case droppedBits = "DROPPED b/s"
        case auditedPackets = "AUDITED/s"
        case passedPackets = "PASSED/s"
        case passedBits = "PASSED b/s"

        /// Of both figures and the blank between them.
        static let width = 11
    }

    private static let narrowestGuest = 8
    private static let widestGuest = 27
    private static let narrowestReasons = 12
    /// "uplink-guest-address 1.23k 59s"
    private static let usefulReasons = 30

    let total: Int
    let port: Int
    private(set) var guest = 0
    private(set) var reasons = 0
    private(set) var pairs: [Pair] = []

    /// - Parameters:
    ///   - port, guest: the columns that the longest of the names takes.
    init(width: Int, port: Int, guest: Int) {
        total = width
        self.port = min(width, min(max(port, 4), 15))
        var left = width - self.port
        func take(_ columns: Int) -> Bool {
            guard left > columns else { return false }
            left -= columns + 1
            return true
        }
        func add(_ pair: Pair) { if take(Pair.width) { pairs.append(pair) } }
        add(.droppedPackets)
        if take(Self.narrowestGuest) { self.guest = Self.narrowestGuest }
        add(.passedPackets)
        if take(Self.narrowestReasons) { reasons = Self.narrowestReasons }
        add(.passedBits)
        // What is left goes to names first, as long as reasons keep enough for one.
        func widen(_ column: inout Int, to columns: Int) {
            let more = column == 0 ? 0 : min(left, max(0, columns - column))
            column += more
            left -= more
        }
        widen(&self.guest, to: min(max(guest, Self.narrowestGuest), reasons == 0 ? Self.widestGuest : 18))
        widen(&reasons, to: Self.usefulReasons)
        widen(&self.guest, to: min(max(guest, Self.narrowestGuest), Self.widestGuest))
        add(.droppedBits)
        add(.auditedPackets)
        if reasons > 0 { widen(&reasons, to: .max) } else { widen(&self.guest, to: .max) }
        pairs = Pair.allCases.filter(pairs.contains)
    }
}
