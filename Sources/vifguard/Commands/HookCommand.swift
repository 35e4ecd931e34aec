import ArgumentParser

/// `vifguard hook`
struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook", abstract: "What hypervisors call when a guest's card comes or goes.",
        discussion: "Not for people: 'vifguard install' has the hypervisor call it.",
        subcommands: [HookXenCommand.self, HookLibvirtCommand.self])
}
