import Reporting
import ArgumentParser
import Glibc

// What reads our output may end before we do; a write that fails says so without a signal.
signal(SIGPIPE, SIG_IGN)

/// For commands that wait for many things at once.
func run(_ command: any AsyncParsableCommand) async throws {
    var command = command
    try await command.run()
}

do {
    var command = try Vifguard.parseAsRoot()
    if let asynchronous = command as? any AsyncParsableCommand {
        try await run(asynchronous)
    } else {
        // On this thread, the only one: a signal that it holds back, as while programs are attached, is held back.
        try command.run()
    }
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
