import Reporting
import ArgumentParser
import PolicyText
import Packets
import Policy

/// `vifguard explain`
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what becomes of frames, and by which rule.",
        discussion: """
            Judges frames as the kernel would, one after the other, so that link-local addresses claimed by one count for the \
            next. Needs neither root nor a guarded host. The guest's binding comes from the policy, or from --mac and --address. \
            Frames that leave the bridge count as judged when they came in.
            """)

    @Argument(help: "A pcap or pcapng file, a file of frames in hexadecimal, one a line, such a frame itself, or - for standard input.")
    var frames: String

    @Option(help: ArgumentHelp("The port they cross; a bridge's name for the host's own side.", valueName: "port"))
    var port: String

    @Option(
        help: ArgumentHelp(
            "Which way they go (default: into the bridge): from-guest, to-guest, from-uplink, to-uplink, from-host or to-host.",
            valueName: "direction"))
    var direction: Direction?

    @Option(help: ArgumentHelp("The port's bridge, where the policy doesn't say.", valueName: "bridge"))
    var bridge: String?

    @Option(help: ArgumentHelp("A VLAN tag that travels beside the frames, as the kernel keeps it; 0 to 4095.", valueName: "vid"))
    var tag: UInt16?

    @OptionGroup(title: "The guest's binding, in place of the policy") var binding: BindingOptions
    @OptionGroup var policy: PolicyOption
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let tag, tag > 4095 { throw ValidationError("--tag \(tag) is no VLAN id: give 0 to 4095") }
        if !binding.isGiven, binding.hasMore {
            throw ValidationError("a binding needs the guest's MAC: give --mac, or none of its options")
        }
        if binding.isGiven { _ = try statedSite() }
    }

    func run() throws {
        let packets = try FrameSource.packets(frames)
        let site =
            try binding.isGiven ? statedSite() : ExplainedSite(try policy.load().policy, port: port, bridge: bridge, guest: binding.guest)
        var explainer = try explainer(of: site)
        if json.isOn {
            try Output.printJSON(packets.map { explainer.explain($0) })
        } else {
            for packet in packets { Output.print(explainer.explain(packet).lines(.output)) }
            Output.print(explainer.totals)
        }
    }

    private func explainer(of site: ExplainedSite) throws -> Explainer {
        do {
            return try site.explainer(direction: direction, tag: tag.map { VLANTag(vid: $0) })
        } catch let error as WrongDirection {
            let ways = error.possible.map(\.name).joined(separator: " or ")
            throw ValidationError("no frame goes \(error.direction.name) at \(error.port.visible): give --direction \(ways)")
        }
    }

    private func statedSite() throws -> ExplainedSite {
        let name = bridge ?? "br0"
        let stated = try binding.interface(port: port, bridge: name, origin: .manual)
        return try ExplainedSite(
            HostPolicy(bridges: [stated.bridge], interfaces: [stated.interface]), port: port, bridge: name, guest: nil)
    }
}

extension BindingOptions {
    /// Whether there is something in it that makes no sense without a MAC.
    fileprivate var hasMore: Bool { !role.isEmpty || !vlan.isEmpty || mode != nil || !linkLocal.isEmpty || !ethertype.isEmpty }
}
