import Subprocess

/// A program of the host's that shows what has no other interface: run without a shell, with bounds on what it may take.
struct Tool: Sendable, Hashable {
    enum Answer: Sendable, Hashable {
        case output(String)
        /// There is no such program.
        case missing
        /// It ended badly, took too long or said too much; the text says which.
        case failed(String)
    }

    /// What root's programs are found in: whatever the caller's PATH says.
    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// A host with thousands of rules has a few MiB of them.
    private static let maximumBytes = 16 << 20

    let name: String

    init(_ name: String) { self.name = name }

    /// Runs the program to its end, in this process's network namespace.
    func run(_ arguments: [String] = [], atMost limit: Duration = .seconds(15)) async -> Answer {
        await withTaskGroup(of: Answer.self) { group in
            group.addTask { await answer(arguments) }
            group.addTask {
                try? await Task.sleep(for: limit)
                return .failed("\(name) took longer than \(limit)")
            }
            let first = await group.next() ?? .missing
            // Ends the program if it is still there.
            group.cancelAll()
            return first
        }
    }

    private func answer(_ arguments: [String]) async -> Answer {
        do {
            let result = try await Subprocess.run(
                .name(name), arguments: Arguments(arguments), environment: .custom(["PATH": Self.path, "LC_ALL": "C"]),
                output: .string(limit: Self.maximumBytes), error: .string(limit: 64 << 10))
            if result.terminationStatus.isSuccess { return .output(result.standardOutput) }
            let said = result.standardError.split(separator: "\n").first.map { ": \($0)" } ?? ""
            return .failed("\(name) ended with \(result.terminationStatus)\(said)")
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return .missing
        } catch {
            return .failed("\(name) couldn't be read: \(error)")
        }
    }
}
