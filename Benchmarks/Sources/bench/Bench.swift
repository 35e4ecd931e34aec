import Foundation
import Lab

/// What guarding costs, beside a plain bridge and the rules of 2008 (Documentation/performance.md).
@main
struct Bench {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") { return print(Options.usage) }
        do {
            let options = try Options(arguments)
            guard geteuid() == 0 else { return fail("the benchmark makes network namespaces: run it as root", status: 1) }
            Interruption.hold()
            try run(options)
        } catch let mistake as Options.Mistake {
            fail("\(mistake)\n\(Options.usage)", status: 2)
        } catch let interruption as Interruption {
            fail("interrupted; nothing is left of it", status: 128 + interruption.signal)
        } catch {
            fail("\(error)", status: 1)
        }
    }

    private static func run(_ options: Options) throws {
        let progress = Progress()
        if let binary = options.agentBinary {
            let report = try AgentReport.measure(binary: binary, isQuick: options.isQuick, progress: progress)
            progress.end()
            print(report.text, terminator: "")
            if let file = options.jsonFile { try write(report, to: file) }
            return
        }
        let report = try measure(options, progress)
        progress.end()
        print(report.text, terminator: "")
        if let file = options.jsonFile { try write(report, to: file) }
        if let folder = options.folder { try save(report, in: URL(fileURLWithPath: folder)) }
        if let unsound = report.unsound { fail(unsound, status: 1) }
    }

    private static func measure(_ options: Options, _ progress: Progress) throws -> Report {
        let machine = Machine.here()
        let comparison = Comparison(options: options, progress: progress)
        var outcomes: [Comparison.Outcome] = []
        if !options.parts.isDisjoint(with: [.frames, .fanOut, .flood]) { outcomes += try options.sizes.map(comparison.run(guests:)) }
        var changes: Changes?
        if options.parts.contains(.changes) {
            changes = try ChangingNetwork(ports: options.sizes.max() ?? 1, progress: progress).measure(repeats: options.isQuick ? 3 : 7)
        }
        // Last: the kernel takes a minute to clear away twenty thousand interfaces, and lets nobody change others meanwhile.
        if options.parts.contains(.bridges) {
            outcomes.append(try comparison.run(guests: options.manyBridges.guests, bridges: options.manyBridges.bridges))
        }
        let report = Report(machine: machine, rounds: options.rounds, outcomes: outcomes, changes: changes)
        if report.isEmpty { throw Options.Mistake(description: "--parts, --guests and --only leave nothing to be measured") }
        return report
    }

    /// Table, figures and picture.
    private static func save(_ report: Report, in folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(report.text.utf8).write(to: folder.appending(path: "bench.txt"))
        try write(report, to: folder.appending(path: "bench.json").path)
        if let picture = Plot(results: report.results).svg(route: "guest to uplink", kind: "IPv4") {
            try Data(picture.utf8).write(to: folder.appending(path: "growth.svg"))
        }
    }

    private static func write(_ report: some Encodable, to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(report) + Data("\n".utf8)).write(to: URL(fileURLWithPath: file))
    }

    private static func fail(_ text: String, status: Int32) {
        FileHandle.standardError.write(Data("\nbench: \(text)\n".utf8))
        exit(status)
    }
}
