import ArgumentParser

/// `vifguard hook`
struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook", abstract: "What hypervisors call when a guest comes or goes.", subcommands: [HookLibvirtCommand.self])
}
