import ArgumentParser
import Datapath
import Foundation
import Hypervisors
import Reporting

/// `vifguard hook xen`
struct HookXenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xen", abstract: "Xen's hot-plug script for network cards.",
        discussion: """
            Called by the script vif-vifguard with the toolstack's own arguments and environment. A card that comes online is \
            bound before it joins its bridge; where anything is in doubt it isn't put there, and xl is told.
            """)

    @Argument(help: "online, offline, add or remove, and what else the toolstack says, such as type_if=vif.")
    var words: [String] = []

    @Option(help: ArgumentHelp("xenstored's socket (VIFGUARD_XENSTORE; default: wherever it is).", valueName: "path"))
    var xenstore: String?

    @OptionGroup var xen: XenOption
    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let begun = ContinuousClock.now
        do {
            guard let call = try XenHotplugCall.read(words, ProcessInfo.processInfo.environment) else { return }
            let hotplug = hotplug(call)
            let outcome = call.action == .online ? try hotplug.online() : hotplug.offline()
            let milliseconds = (ContinuousClock.now - begun) / .milliseconds(1)
            SystemLog.info("\(outcome), in \(Int(milliseconds.rounded(.up))) ms")
            for warning in outcome.warnings { SystemLog.warning("\(outcome.port): \(warning)") }
            if json.isOn { try Output.printJSON(outcome) }
        } catch {
            SystemLog.error("\(words.first ?? "") \(environment("vif") ?? environment("INTERFACE") ?? ""): \(error)")
            throw ExitCode.failure
        }
    }

    private func hotplug(_ call: XenHotplugCall) -> XenHotplug {
        let place = xenstore ?? environment("VIFGUARD_XENSTORE")
        return XenHotplug(
            call, store: { () throws(XenStoreError) in try XenStore(place) }, files: XenConfigurationFiles(xen.folder),
            hooks: PostHooks("\(xen.folder)/scripts/vif-post.d"), configuration: { try policy.load() },
            engine: { policy.engine }, datapath: { try pins.open() })
    }
}
