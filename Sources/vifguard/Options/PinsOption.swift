import ArgumentParser
import Datapath

/// Where programs and maps are pinned.
struct PinsOption: ParsableArguments {
    @Option(
        name: .customLong("pins"),
        help: ArgumentHelp(
            "The folder in a bpffs that holds programs and maps (VIFGUARD_PINS; default: \(PinFolder.defaultPath)).", valueName: "dir"))
    var given: String?

    var folder: PinFolder { PinFolder(given ?? environment("VIFGUARD_PINS") ?? PinFolder.defaultPath) }

    /// What is loaded, as it is.
    func open() throws(DatapathError) -> Datapath { try Datapath.open(pins: folder) }

    /// What is loaded; nil if nothing is.
    func openIfLoaded() throws(DatapathError) -> Datapath? {
        do throws(DatapathError) { return try open() } catch .notLoaded { return nil }
    }

    mutating func validate() throws {
        if given?.isEmpty == true { throw ValidationError("--pins is empty: give a folder in a bpffs") }
    }
}
