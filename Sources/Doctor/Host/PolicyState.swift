import Datapath
import Enforcement
import Netlink
import Policy
import PolicyText

/// The policy, and whether this host has what it names.
struct PolicyState: Sendable, Hashable {
    enum Reading: Sendable, Hashable {
        /// There is nothing at the path.
        case missing
        case invalid([ConfigurationError])
        case sound(HostConfiguration)
    }

    var path: String
    var reading: Reading
    var state: HostState
    /// Whether programs are loaded.
    var isLoaded: Bool

    private static let most = 5

    var configuration: HostConfiguration? { if case .sound(let configuration) = reading { configuration } else { nil } }

    var findings: [Finding] { file + applied + bridges + strangers + ports + absent }

    // MARK: The file

    private var file: [Finding] {
        switch reading {
        case .missing:
            return [
                Finding(
                    "policy-missing", .problem, path, found: "there is no policy",
                    meaning: isLoaded ? "What is in force stays, and nobody can change it by 'vifguard apply'." : "No bridge is guarded.",
                    mend: ["cp /usr/local/share/doc/vifguard/policy.example.yaml /etc/vifguard/policy.yaml   # then edit it"])
            ]
        case .invalid(let errors):
            let wrong = errors.filter { $0.severity == .error }
            let rest = wrong.count > Self.most ? "; and \(wrong.count - Self.most) more" : ""
            return [
                Finding(
                    "policy-invalid", .problem, path,
                    found: wrong.prefix(Self.most).map { "\($0.location): \($0.message)" }.joined(separator: "; ") + rest,
                    meaning: "Nothing of it is taken until it is mended; what is in force stays. All of it, and what to write instead:",
                    mend: ["vifguard check --policy \(path.shellWord)"])
            ]
        case .sound(let configuration):
            return configuration.warnings.prefix(Self.most).map { warning in
                Finding(
                    "policy-warns", .warning, "\(warning.location)", found: warning.message, meaning: "It is taken as it stands.",
                    mend: warning.suggestion.map { ["# write: \($0)"] } ?? [])
            }
        }
    }

    private var applied: [Finding] {
        guard configuration != nil, !isLoaded else { return [] }
        return [
            Finding(
                "policy-not-applied", .problem, path, found: "nothing is loaded into the kernel", meaning: "No bridge is guarded.",
                mend: ["vifguard apply"])
        ]
    }

    // MARK: Bridges and uplinks

    private var bridges: [Finding] {
        (configuration?.policy.bridges ?? []).flatMap { bridge -> [Finding] in
            guard let device = state.bridges.values.first(where: { $0.name == bridge.name }) else {
                let isOther = state.interfaces.values.contains { $0.name == bridge.name }
                return [
                    Finding(
                        "bridge-missing", .problem, "bridge \(bridge.name)",
                        found: isOther ? "the policy names it, and that interface is no bridge" : "the policy names it, and there is no such bridge",
                        meaning: "Nothing of what the policy says for it is in force. Make it, or name another:",
                        mend: isOther ? ["ip link show type bridge"] : ["ip link add \(bridge.name.shellWord) type bridge"])
                ]
            }
            return bridge.uplinks.compactMap { uplink($0, of: bridge.name, device.index) }
        }
    }

    private func uplink(_ name: String, of bridge: String, _ index: InterfaceIndex) -> Finding? {
        let interface = state.interfaces.values.first { $0.name == name }
        guard interface?.bridge != index else { return nil }
        let found = interface == nil ? "there is no such interface" : "it is no port of bridge \(bridge)"
        return Finding(
            "uplink-missing", .problem, "uplink \(name)", found: "the policy names it as bridge \(bridge)'s, and \(found)",
            meaning: "Until it is there and applied, guests reach nobody through it.",
            mend: interface == nil ? [] : ["ip link set \(name.shellWord) master \(bridge.shellWord)", "vifguard apply"])
    }

    /// Guarded bridges that the policy doesn't name.
    private var strangers: [Finding] {
        guard let configuration else { return [] }
        let named = Set(configuration.policy.bridges.map(\.name))
        let guarded = state.guarded.values.filter { $0.kind == .bridge }.compactMap { state.bridges[$0.port.index]?.name }
        return guarded.filter { !named.contains($0) }.sorted().map { name in
            Finding(
                "bridge-not-in-policy", .warning, "bridge \(name)", found: "it is guarded, and the policy doesn't name it",
                meaning: "'vifguard apply' lets go of it, unless guests that others have attached are still on it.", mend: ["vifguard apply"])
        }
    }

    // MARK: Ports and guests

    /// Ports of guarded bridges without all programs, and those that nobody speaks for.
    private var ports: [Finding] {
        let bridges = Set(state.guarded.values.filter { $0.kind == .bridge && !$0.hooks.isEmpty }.map(\.port.index))
        let members = state.interfaces.values.filter { $0.bridge.map(bridges.contains) ?? false }.sorted { $0.index < $1.index }
        let bare = members.filter { !isGuarded($0.index) }
        let closed = members.filter { isGuarded($0.index) && state.guarded[$0.index]?.kind == .guest && state.guarded[$0.index]?.binding == nil }
        var findings: [Finding] = []
        if !bare.isEmpty {
            findings.append(
                Finding(
                    "port-unguarded", .problem, Self.list(bare), found: "a program of the guard is missing there",
                    meaning:
                        "A port that has joined since the last 'apply', or that somebody has taken the guard off: nothing that it sends arrives, and what comes to it isn't looked at.",
                    mend: ["vifguard apply"]))
        }
        if !closed.isEmpty {
            let bridge = closed[0].bridge.flatMap { state.bridges[$0]?.name } ?? "BRIDGE"
            findings.append(
                Finding(
                    "port-closed", .note, Self.list(closed), found: "no binding says who is behind it",
                    meaning: "Nothing passes in or out. Give its guest a place in the policy, or bind it by hand:",
                    mend: ["vifguard attach \(closed[0].name.shellWord) --bridge \(bridge.shellWord) --mac MAC --address ADDRESS"]))
        }
        return findings
    }

    private func isGuarded(_ index: InterfaceIndex) -> Bool { state.guarded[index].map { $0.hooks.count == Hook.allCases.count } ?? false }

    /// Ports that `port-unguarded` tells of.
    var unguarded: Set<InterfaceIndex> { Set(state.interfaces.keys.filter { !isGuarded($0) }) }

    private static func list(_ interfaces: [HostState.Interface]) -> String {
        let names = interfaces.prefix(most).map(\.name).joined(separator: ", ")
        let rest = interfaces.count > most ? " and \(interfaces.count - most) more" : ""
        return "port\(interfaces.count == 1 ? "" : "s") \(names)\(rest)"
    }

    /// Guests whose port isn't there.
    private var absent: [Finding] {
        guard let configuration, isLoaded else { return [] }
        let bound = Set(state.guarded.values.compactMap(\.binding?.guest))
        let guests = Set(configuration.policy.interfaces.map(\.binding.guest)).subtracting(bound).sorted()
        guard !guests.isEmpty else { return [] }
        let rest = guests.count > Self.most ? " and \(guests.count - Self.most) more" : ""
        return [
            Finding(
                "guest-not-running", .note, "guest\(guests.count == 1 ? "" : "s") \(guests.prefix(Self.most).joined(separator: ", "))\(rest)",
                found: "the policy knows it, and no port here is its own",
                meaning: "A stopped guest, whose addresses stay its own; or a port's name or MAC in the policy that isn't right.")
        ]
    }
}
