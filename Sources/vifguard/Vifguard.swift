import ArgumentParser
import Reporting

/// The command and its subcommands: each in a file of its own, and none with state of its own.
struct Vifguard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vifguard",
        abstract: "Keeps every guest on a Linux bridge to its own MACs, addresses and roles.",
        discussion: """
            A policy says which guest may use which addresses. 'apply' puts programs on the bridge's ports that hold \
            everybody to it; they stay when the command has ended. Exit status: 0 fine, 1 failed, 2 wrong usage.
            """,
        version: VersionFacts.current,
        subcommands: [
            CheckCommand.self, PlanCommand.self, ApplyCommand.self, AttachCommand.self, DetachCommand.self, StatusCommand.self, TopCommand.self,
            ExplainCommand.self, EventsCommand.self, AgentCommand.self, HookCommand.self, DoctorCommand.self, ProveCommand.self,
            UninstallCommand.self, VersionCommand.self,
        ])
}
