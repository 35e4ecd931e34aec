import ArgumentParser
import Foundation
import Glibc
import Hypervisors
import PolicyText
import Reporting

/// `vifguard init`
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a first policy from what is found here.", usage: "vifguard init [--xen] [--libvirt] [<options>]",
        discussion: """
            Names the host's bridges, guesses which of their ports lead out, and with --xen or --libvirt takes the guests from \
            the hypervisor's files. What it can't know stands in comments. It changes nothing on the host, and no file that is there.
            """)

    @Flag(help: "Take the guests from Xen's configurations.")
    var xen = false

    @Flag(help: "Take the guests from libvirt's definitions.")
    var libvirt = false

    @Option(help: ArgumentHelp("The folder of libvirt's definitions (default: \(LibvirtInventory.defaultFolder)).", valueName: "dir"))
    var libvirtFolder = LibvirtInventory.defaultFolder

    @Option(help: ArgumentHelp("The file to write (default: standard output).", valueName: "file"))
    var output: String?

    @OptionGroup var folder: XenOption

    func run() throws {
        var inventory = Inventory()
        if xen {
            try demand(folder.folder, "Xen", option: "--xen-folder")
            inventory += try Inventory(xen: XenConfigurationFiles(folder.folder))
        }
        if libvirt {
            try demand(libvirtFolder, "libvirt", option: "--libvirt-folder")
            inventory += try LibvirtInventory.read(folder: libvirtFolder)
        }
        let first = FirstPolicy(HostBridges(try .observe()), inventory)
        // What `check` would say of it is said now.
        _ = try PolicyFiles.parse(first.yaml, file: "the policy that was made")
        guard let output else { return Output.print([String(first.yaml.dropLast())]) }
        try write(first.yaml, to: output)
        Output.print("Written to \(output.visible): look at it, then 'vifguard check --policy \(output.visible)'.")
    }

    /// A folder that isn't there has no guests in it, and who asked for them meant another.
    private func demand(_ folder: String, _ hypervisor: String, option: String) throws {
        guard access(folder, F_OK) == 0 else {
            throw Failure("there is no \(folder.visible), where \(hypervisor) has its guests: install \(hypervisor), or give \(option)")
        }
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
