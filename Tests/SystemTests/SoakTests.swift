import Foundation
import Lab
import Testing

/// `make soak` for some seconds: every kind of change, and counters that add up exactly.
@Suite(.timeLimit(.minutes(5)))
struct SoakTests {
    private static let soak = URL(filePath: CommandFixture.binary).deletingLastPathComponent().appending(path: "soak").path

    private func run(_ arguments: String...) throws -> RunningCommand {
        // It makes its own namespaces in this one.
        try NetworkNamespace("soak").start([Self.soak] + arguments)
    }

    @Test func `half a minute of everything at once adds up`() throws {
        let result = try run("--seconds", "25", "--seed", "1").wait(atMost: .seconds(200))
        #expect(result.succeeded, "\(result.output)\(result.errors)")
        #expect(result.output.contains("all added up, none lost, nothing forged arrived (seed 1)"))
        #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func `interrupted, it leaves nothing`() throws {
        func folders() throws -> Set<String> {
            let all = try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path)
            return Set(all.filter { $0.hasPrefix("vifguard-soak") })
        }
        let before = try folders()
        let soak = try run("--seconds", "100")
        var folder: String?
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            folder = try folders().subtracting(before).first
            if let folder, try processes(with: folder) > 0 { break }
            usleep(10_000)
        }
        let own = try #require(folder)
        #expect(try processes(with: own) > 0, "no agent runs")
        // In the middle of things.
        sleep(5)
        soak.signal(SIGINT)
        let result = try soak.wait(atMost: .seconds(60))
        #expect(result.status == 130 && result.errors.contains("interrupted"), "\(result)")
        #expect(try !folders().contains(own))
        #expect(try processes(with: own) == 0)
    }

    /// How many processes have this among their words.
    private func processes(with text: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").count { name in
            // Those that end meanwhile have none.
            (try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8))?.contains(text) ?? false
        }
    }

    @Test(arguments: ["--minutes", "--seed x", "--seconds 1", "--nonsense"]) func `wrong usage is said`(words: String) throws {
        let result = try NetworkNamespace("soak").execute([Self.soak] + words.split(separator: " ").map(String.init))
        #expect(result.status == 2 && result.errors.contains("usage: soak"), "\(result)")
    }
}
