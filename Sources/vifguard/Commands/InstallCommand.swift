import ArgumentParser
import Foundation
import Hypervisors
import Reporting

/// `vifguard install`
struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Have a hypervisor call vifguard for its guests' network cards.",
        usage: "vifguard install --xen [<options>]",
        discussion: """
            Shows what it is going to change and asks, where a person sits at the terminal; 'vifguard uninstall' undoes it. \
            Guests that run already are called for when they start next.
            """)

    @Flag(help: "Make vif-vifguard the default script for network cards in Xen's xl.conf.")
    var xen = false

    @Flag(help: "Don't ask.")
    var yes = false

    @Option(help: ArgumentHelp("The folder that the host's root is at (default: /).", valueName: "dir"))
    var root = ""

    @Option(help: ArgumentHelp("The script to install (default: the one that came with this command).", valueName: "file"))
    var script: String?

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if !xen { throw ValidationError("which hypervisor? Give --xen") }
    }

    func run() throws {
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
        if json.isOn { return try Output.printJSON(done) }
        Output.print(done.isEmpty ? ["Nothing to do: Xen calls vifguard already."] : done.lines(isDone: true))
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
