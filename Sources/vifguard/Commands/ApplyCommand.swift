import Reporting
import ArgumentParser
import PolicyText
import Datapath
import Enforcement

/// `vifguard apply`
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make the kernel match the policy.",
        discussion: """
            Guards the bridges that the policy names, and lets go of those it doesn't name any more. Where all matches, nothing \
            is done; a policy with an error changes nothing. Bindings made by 'attach' stay.
            """)

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let configuration = try policy.load()
        for warning in configuration.warnings { Output.warn(warning.description) }
        let report = try Apply.perform(configuration.policy, datapath: try load(configuration))
        try Output.finish(report, json, nothing: "Nothing to do: the host matches the policy.")
    }

    /// Loads the programs of this version, in place where others run.
    private func load(_ configuration: HostConfiguration) throws -> Datapath {
        do throws(DatapathError) {
            return try Datapath.load(pins: pins.folder, stampBit: configuration.stampBit)
        } catch .layout {
            return try move(configuration)
        }
    }

    /// Moves every port from maps that this version can't read to its own, which hold the policy by then.
    private func move(_ configuration: HostConfiguration) throws -> Datapath {
        let plan = Plan(configuration.policy, on: try HostState.observe(datapath: nil))
        if let fault = plan.faults.first(where: \.takesMoreThanAGuest) {
            throw Failure("\(fault); the maps of the version before stay in force")
        }
        let datapath = try Datapath.replace(pins: pins.folder, stampBit: configuration.stampBit) { datapath throws(DatapathError) in
            try Self.fill(datapath, plan.steps)
        }
        Output.warn(
            wrapped(
                "vifguard: warning: the maps were another version's: counters start anew, and ports that 'attach' had bound are closed until it binds them again",
                indent: 4))
        return datapath
    }

    /// Owners before the bindings that lean on them. A guest whose binding doesn't fit is closed, and alone so: applying
    /// the plan says why.
    private static func fill(_ datapath: Datapath, _ steps: [Step]) throws(DatapathError) {
        for case .enterOwners(let bridge, let table, _) in steps { _ = try datapath.write(table, bridge: bridge.index) }
        let writing = steps.filter { $0.record != nil }
        let results = try datapath.write(writing.compactMap(\.record))
        let unfit = zip(writing, results).filter { $0.1 != nil }.map { PortRecord.closed($0.0.port) }
        for failure in try datapath.write(unfit).compactMap(\.self) { throw failure }
    }
}

extension Fault {
    fileprivate var takesMoreThanAGuest: Bool {
        if case .guest = scope { false } else { true }
    }
}

extension Step {
    fileprivate var record: PortRecord? {
        switch self {
        case .close(let port, _): .closed(port)
        case .bind(let port, let binding, let subnets, _): .guest(binding, port, subnets: subnets)
        case .trustUplink(let port, let mode): .uplink(port, mode)
        case .trustBridge(let port): .bridge(port)
        default: nil
        }
    }
}
