import ArgumentParser
import CLinux
import Foundation
import Hypervisors
import PolicyText
import Reporting

/// `vifguard init`
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a first policy from what is found here.",
        discussion: """
            Names the host's bridges, guesses which of their ports lead out, and with --xen takes the guests from their \
            configurations. What it can't know stands in comments. It changes nothing on the host, and no file that is there.
            """)

    @Flag(help: "Take the guests from Xen's configurations.")
    var xen = false

    @Option(help: ArgumentHelp("The file to write (default: standard output).", valueName: "file"))
    var output: String?

    @OptionGroup var folder: XenOption

    func run() throws {
        let inventory = xen ? try Inventory(xen: XenConfigurationFiles(folder.folder)) : Inventory()
        let first = FirstPolicy(HostBridges(try .observe()), inventory)
        // What `check` would say of it is said now.
        _ = try PolicyFiles.parse(first.yaml, file: "the policy that was made")
        guard let output else { return Output.print([String(first.yaml.dropLast())]) }
        try write(first.yaml, to: output)
        Output.print("Written to \(output.visible): look at it, then 'vifguard check --policy \(output.visible)'.")
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
        } catch CocoaError.fileWriteFileExists {
            throw Failure("\(path.visible) is there already, and is left as it is: give another --output")
        } catch {
            throw Failure("\(path.visible) can't be written: \(error.localizedDescription)")
        }
    }
}
