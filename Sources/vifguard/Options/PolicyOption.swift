import ArgumentParser
import PolicyText
import Glibc

/// Where the policy is.
struct PolicyOption: ParsableArguments {
    @Option(
        name: .customLong("policy"),
        help: ArgumentHelp(
            "The policy, a file or a folder (VIFGUARD_POLICY; default: \(PolicyFiles.defaultPath)).", valueName: "path"))
    var given: String?

    var path: String { given ?? environment("VIFGUARD_POLICY") ?? PolicyFiles.defaultPath }

    /// Whether there is anything at the path.
    var exists: Bool { access(path, F_OK) == 0 }

    func load() throws(ConfigurationErrors) -> HostConfiguration { try PolicyFiles.load(path) }

    mutating func validate() throws {
        if given?.isEmpty == true { throw ValidationError("--policy is empty: give a file or a folder") }
    }
}

/// A variable of the environment; nil if it isn't set, or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}
