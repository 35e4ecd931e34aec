import Foundation

/// The built command, run as a person or script would.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    static let inputs = folder.appending(path: "Inputs")
    static let project = folder.deletingLastPathComponent().deletingLastPathComponent()

    /// Beside the tests that run.
    static var binaryPath: String { binary.path }
    private static var binary: URL {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: "vifguard")
    }

    /// Runs it among the inputs, where none of its variables is set.
    ///
    /// - Parameter program: nil: the built command.
    init(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], program: URL? = nil) throws {
        let process = Process()
        process.executableURL = program ?? Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = Self.inputs
        process.environment = ["PATH": "/usr/bin:/bin", "TZ": "UTC"].merging(environment) { $1 }
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        // Less than a pipe holds, and so is what it answers.
        stdin.fileHandleForWriting.write(Data(input))
        try stdin.fileHandleForWriting.close()
        output = String(decoding: stdout.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: stderr.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }

    /// All that came of it, as the golden files keep it.
    func transcript(of arguments: [String]) -> String {
        "$ vifguard \(arguments.joined(separator: " "))\n\(output)" + (errors.isEmpty ? "" : "--- errors\n\(errors)")
            + "--- status \(status)\n"
    }
}
