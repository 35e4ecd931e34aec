import ArgumentParser
import Hypervisors

/// Where Xen's files are.
struct XenOption: ParsableArguments {
    @Option(
        name: .customLong("xen-folder"),
        help: ArgumentHelp(
            "The folder of Xen's files and the guests' configurations (VIFGUARD_XEN; default: \(XenConfigurationFiles.defaultFolder)).",
            valueName: "dir"))
    var given: String?

    var folder: String { given ?? environment("VIFGUARD_XEN") ?? XenConfigurationFiles.defaultFolder }

    mutating func validate() throws {
        if given?.isEmpty == true { throw ValidationError("--xen-folder is empty: give a folder such as \(XenConfigurationFiles.defaultFolder)") }
    }
}
