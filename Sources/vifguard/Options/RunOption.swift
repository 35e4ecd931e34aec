import ArgumentParser

/// Where a running agent has its socket.
struct RunOption: ParsableArguments {
    private static let usual = "/run/vifguard"

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The folder of the agent's socket (VIFGUARD_RUN; default: \(usual)).", valueName: "dir"))
    var given: String?

    var folder: String { given ?? environment("VIFGUARD_RUN") ?? Self.usual }

    mutating func validate() throws {
        if given?.isEmpty == true { throw ValidationError("--run is empty: give a folder") }
    }
}
