import ArgumentParser
import Policy
import PolicyText
import Reporting

/// `vifguard check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a policy, and touch nothing.",
        discussion: "Prints everything that is wrong with the policy at once, with file, line and what to write instead. Needs no root.")

    @OptionGroup var policy: PolicyOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let configuration: HostConfiguration
        do throws(ConfigurationErrors) {
            configuration = try policy.load()
        } catch {
            if json.isOn {
                try Output.printJSON(PolicySummary(problems: error.errors))
            } else {
                Output.warn(error.description)
                Output.warn(policy.exists ? Self.verdict(error.errors) : Self.firstPolicy(policy.path.visible))
            }
            throw ExitCode.failure
        }
        let summary = PolicySummary(configuration)
        if json.isOn { return try Output.printJSON(summary) }
        for warning in configuration.warnings { Output.warn(warning.description) }
        Output.print(summary.lines)
    }

    private static func verdict(_ problems: [ConfigurationError]) -> String {
        "vifguard: the policy has \(counted(problems.count { $0.severity == .error }, "error"))"
    }

    private static func firstPolicy(_ path: String) -> String {
        """
        vifguard: there is no policy yet. Write one to \(path), such as:

        bridges:
          br0:
            uplinks: [eth0]
            gateways: [192.0.2.1]
            subnets: [192.0.2.0/24]
        guests:
          www.example.com:
            interfaces:
              - port: vif1.0
                bridge: br0
                mac: 00:16:3e:38:b4:ac
                addresses: [192.0.2.43]
        """
    }
}

extension PolicySummary {
    /// As people read it.
    var lines: [String] {
        var lines = [
            "The policy is sound: \(counted(bridges.count, "bridge")), \(counted(guests, "guest")), "
                + "\(counted(interfaces, "interface")), \(counted(addresses, "address", plural: "addresses"))."
        ]
        for bridge in bridges {
            let uplinks = bridge.uplinks.isEmpty ? "no uplink" : "uplink \(bridge.uplinks.joined(separator: ", "))"
            lines.append("  \(bridge.name): \(counted(bridge.guests, "guest")), \(counted(bridge.interfaces, "interface")), \(uplinks)")
        }
        if engine == .classic { lines.append("The engine is classic: iptables, ip6tables and arptables.") }
        if audited > 0 { lines.append("In audit mode, where nothing is dropped: \(counted(audited, "interface")).") }
        return lines.map { wrapped($0, indent: 4) }
    }
}
