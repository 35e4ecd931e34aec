import ArgumentParser

/// `vifguard top`
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch what passes and what is dropped, live.", usage: "vifguard top [<options>]",
        discussion: """
            Ports with what they send and get a second, whoever most is dropped from on top, with the last reasons. \
            On a terminal '?' lists the keys; elsewhere a snapshot is printed after each interval.
            """)

    @Option(
        help: ArgumentHelp("How often to look, 0.2 to 60 (default: 1).", valueName: "seconds"),
        transform: TopCommand.seconds)
    var interval = 1.0

    @Flag(help: "Print one snapshot and end.")
    var once = false

    @Option(help: ArgumentHelp("Print so many snapshots and end.", valueName: "number"))
    var count: Int?

    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption
    @OptionGroup var state: StateOption

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is \(count): give 1 or more") }
        if once, count ?? 1 != 1 { throw ValidationError("--once and --count \(count ?? 1) exclude each other: give one of them") }
    }

    func run() throws {
        let watch = try HostWatch(pins, state: state.folder)
        let nanoseconds = UInt64(interval * 1e9)
        guard Terminal.isThere, !once, count == nil, !json.isOn else {
            var plain = PlainTop(watch: watch, interval: nanoseconds, count: once ? 1 : count, isJSON: json.isOn)
            return try plain.run()
        }
        if let signal = try Self.live(watch, nanoseconds) { Signals.letHappen(signal) }
    }

    /// In a function of its own: with its end the terminal and the signals are as they were.
    private static func live(_ watch: HostWatch, _ interval: UInt64) throws -> Int32? {
        let signals = try Signals(LiveTop.signals)
        var live = LiveTop(watch, interval: interval, on: try Terminal(), signals: signals)
        return try live.run()
    }

    private static func seconds(_ text: String) throws -> Double {
        guard let seconds = Double(text), (0.2...60).contains(seconds) else {
            throw ValidationError("'\(text)' is no interval: give 0.2 to 60 seconds")
        }
        return seconds
    }
}
