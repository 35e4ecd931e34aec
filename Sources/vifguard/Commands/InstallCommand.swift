import ArgumentParser
import Foundation
import Hypervisors
import Reporting

/// `vifguard install`
struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Have a hypervisor call vifguard for its guests' network cards.",
        usage: "vifguard install [--xen] [--libvirt] [<options>]",
        discussion: """
            Shows what it is going to change and asks, where a person sits at the terminal; 'vifguard uninstall' undoes it. \
            Guests that run already are called for when they start next.
            """)

    @Flag(help: "Make vif-vifguard the default script for network cards in Xen's xl.conf.")
    var xen = false

    @Flag(help: "Have libvirt call it for guests of its qemu driver.")
    var libvirt = false

    @Flag(help: "Don't ask.")
    var yes = false

    @Option(help: ArgumentHelp("The folder that the host's root is at (default: /).", valueName: "dir"))
    var root = ""

    @Option(help: ArgumentHelp("Xen's script to install (default: the one that came with this command).", valueName: "file"))
    var script: String?

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if !xen, !libvirt { throw ValidationError("which hypervisor? Give --xen or --libvirt") }
    }

    /// What was changed, for programs.
    private struct Installed: Encodable {
        var xen: XenInstallation.Changes?
        /// The file that was written; nil: it was there.
        var libvirt: String?
    }

    func run() throws {
        var installed = Installed()
        if xen { installed.xen = try installForXen() }
        if libvirt { installed.libvirt = try installForLibvirt() }
        if json.isOn { try Output.printJSON(installed) }
    }

    /// One new file among libvirt's hooks, which changes nothing that is there: nothing to ask about.
    private func installForLibvirt() throws -> String? {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        let written = try LibvirtHookFile.install(root: root, program: program)
        guard !json.isOn else { return written }
        if let written {
            Output.print([
                wrapped("\(written.visible): written", indent: 4), "libvirt sees it once its daemon is started anew:",
                "    systemctl restart libvirtd",
            ])
        } else {
            Output.print("Nothing to do: libvirt calls vifguard already.")
        }
        return written
    }

    private func installForXen() throws -> XenInstallation.Changes {
        let source = try scriptText()
        let installation = XenInstallation(root: root)
        let changes = try installation.planInstall(source)
        if !changes.isEmpty, !yes {
            guard isatty(STDIN_FILENO) == 1 else {
                throw Failure("this changes Xen's own files: look at 'vifguard install --xen' at a terminal, or give --yes")
            }
            Output.warn(changes.lines(isDone: false).joined(separator: "\n"))
            Output.warn("Go on? Write yes:")
            guard readLine() == "yes" else { throw Failure("left as it is") }
        }
        let done = try installation.install(source)
        if !json.isOn { Output.print(done.isEmpty ? ["Nothing to do: Xen calls vifguard already."] : done.lines(isDone: true)) }
        return done
    }

    private func scriptText() throws -> String {
        let beside = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = script ?? beside.appending(path: "../share/vifguard/\(XenInstallation.scriptName)").standardized.path
        guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self), text.hasPrefix("#!") else {
            throw Failure("there is no script at \(path.visible): 'make install' puts it there, or give --script")
        }
        return text
    }
}

extension XenInstallation.Changes {
    /// As people read it.
    func lines(isDone: Bool) -> [String] {
        var words: [String] = []
        if let script { words.append("\(script.visible): \(isDone ? "written" : "to be written")") }
        if !lines.isEmpty { words += ["\(configuration.visible): \(isDone ? "changed" : "to be changed")"] + lines.map { "    \($0.visible)" } }
        return words.map { wrapped($0, indent: 4) }
    }
}
