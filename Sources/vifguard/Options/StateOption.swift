import ArgumentParser
import EventStore

/// Where the agent keeps what has to outlive it.
struct StateOption: ParsableArguments {
    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "The folder of the agent's state (VIFGUARD_STATE; default: \(StateFolder.defaultPath)).", valueName: "dir"))
    var given: String?

    var folder: StateFolder { StateFolder(given ?? environment("VIFGUARD_STATE") ?? StateFolder.defaultPath) }

    mutating func validate() throws {
        if given?.isEmpty == true { throw ValidationError("--state is empty: give a folder") }
    }
}
