import Foundation

/// What guarding costs, beside a plain bridge and the rules of 2008 (Documentation/performance.md).
@main
struct Bench {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") { return print(Options.usage) }
        do {
            let options = try Options(arguments)
            guard geteuid() == 0 else { return fail("the benchmark makes network namespaces: run it as root", status: 77) }
            Interruption.hold()
            try run(options)
        } catch let mistake as Options.Mistake {
            fail("\(mistake)\n\(Options.usage)", status: 64)
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
        let machine = Machine.here()
        let comparison = Comparison(options: options, progress: progress)
        var results: [Result] = []
        var absent: [Engine: String] = [:]
        for size in options.sizes {
            let outcome = try comparison.run(guests: size)
            results += outcome.results
            absent.merge(outcome.absent) { first, _ in first }
        }
        if results.isEmpty { throw Options.Mistake(description: "--only: no kind of frame has that in its title") }
        let changes = try ChangingNetwork(ports: options.sizes.max() ?? 1, progress: progress).measure(repeats: options.isQuick ? 3 : 7)
        progress.end()
        let report = Report(machine: machine, rounds: options.rounds, results: results, absent: absent, changes: changes)
        print(report.text, terminator: "")
        if let file = options.jsonFile { try write(report, to: file) }
        if let file = options.plotFile, let picture = Plot(results: results).svg(route: "guest to uplink", kind: "IPv4") {
            try Data(picture.utf8).write(to: URL(fileURLWithPath: file))
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
