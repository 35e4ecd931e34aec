import Reporting
import ArgumentParser
import Classic
import Datapath
import Enforcement
import EventStore
import Glibc
import Hypervisors
import Policy

/// `vifguard uninstall`
struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Take the guard off this host, and leave no trace.",
        usage: "vifguard uninstall [<options>]",
        discussion:
            "Asks first where a person sits at the terminal. Undoes 'install' as well. The policy's files stay, and so does the store of events.")

    @Flag(help: "Don't ask.")
    var yes = false

    @Option(help: ArgumentHelp("The folder that the root of the host's files is at (default: /).", valueName: "dir"))
    var root = ""

    @Option(help: ArgumentHelp("The engine that is in force, ebpf or classic (default: the policy's).", valueName: "engine"))
    var engine: Engine?

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var state: StateOption
    @OptionGroup var json: JSONOption

    func run() throws {
        // It would put everything back in force within the second.
        guard !AgentLock.isHeld(in: state.folder) else {
            throw Failure("an agent is running and would guard everything again: end it first, as by 'systemctl disable --now vifguard'")
        }
        let nothing = "Nothing to do: nothing is installed."
        switch engine ?? policy.engine {
        case .ebpf:
            try confirm(
                """
                This takes every program, pin and counter in \(pins.folder.path.visible) away and gives the bridges and their \
                ports their usual flags back. From then on every guest can use any address. The policy's files and the store of events stay.
                """)
            let problems = undoInstall()
            try Output.finish(try Uninstall.perform(pins: pins.folder), json, nothing: nothing)
            try demandNone(problems)
        case .classic:
            try confirm(
                """
                This opens FORWARD of iptables, ip6tables and arptables and takes the classic engine's rules out of it. From then on \
                every guest can use any address. The policy's files stay.
                """)
            let problems = undoInstall()
            try Output.finish(try Classic.uninstall(), json, nothing: nothing)
            try demandNone(problems)
        }
    }

    /// What hypervisors call goes first: with it and without a guard, no guest would start. What of it can't be undone keeps
    /// nothing else in force.
    private func undoInstall() -> [String] {
        var problems: [String] = []
        do {
            if let hook = try LibvirtHookFile.remove(root: root), !json.isOn { Output.print("\(hook.visible): removed") }
        } catch {
            problems.append("\(error)")
        }
        do {
            let changes = try XenInstallation(root: root).uninstall()
            if !changes.isEmpty, !json.isOn { Output.print(changes.undoneLines) }
        } catch {
            problems.append("\(error)")
        }
        return problems
    }

    private func demandNone(_ problems: [String]) throws {
        guard !problems.isEmpty else { return }
        throw Failure("hypervisors may still call vifguard: \(problems.joined(separator: "; ")); take it out by hand, or call this again")
    }

    /// Asks, where a person can answer.
    private func confirm(_ consequences: String) throws {
        guard !yes, isatty(STDIN_FILENO) == 1 else { return }
        Output.warn(wrapped(consequences))
        Output.warn("Go on? Write yes:")
        guard readLine() == "yes" else { throw Failure("left as it is") }
    }
}

extension XenInstallation.Changes {
    /// As people read it: a guest that runs has been given the script's name by xl, and is started anew by it.
    fileprivate var undoneLines: [String] {
        var words: [String] = []
        if let script {
            words.append("\(script.visible): removed")
            words.append(
                wrapped(
                    "Shut each Xen guest that runs down and create it anew before it reboots or moves: xl has told it to call this script.",
                    indent: 4))
        }
        if !lines.isEmpty { words += ["\(configuration.visible): as it was"] + lines.map { "    \($0.visible)" } }
        return words
    }
}
