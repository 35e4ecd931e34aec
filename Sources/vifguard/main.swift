import Reporting
import ArgumentParser
import Glibc

// What reads our output may end before we do; a write that fails says so without a signal.
signal(SIGPIPE, SIG_IGN)

/// The agent waits for many things at once, all others for one after the other.
func run(_ command: any ParsableCommand) async throws {
    if var asynchronous = command as? any AsyncParsableCommand { return try await asynchronous.run() }
    var command = command
    try command.run()
}

do {
    try await run(try Vifguard.parseAsRoot())
} catch let code as ExitCode {
    exit(code.rawValue)
} catch let failure where Vifguard.exitCode(for: failure) == .failure {
    Output.complain(about: failure)
    exit(1)
} catch {
    // Help, versions and completion scripts end in an error too, and so does wrong usage.
    let text = Vifguard.fullMessage(for: error)
    if Vifguard.exitCode(for: error) == .success {
        Output.print(text)
    } else {
        let words = text.hasPrefix("Error: ") ? text.dropFirst("Error: ".count) : text[...]
        Output.warn(wrapped("vifguard: \(words)".visibleLines, indent: 4))
        exit(2)
    }
}
