import Glibc
import Netlink
import Processes

/// The host's three tools, found and run: in the calling thread's network namespace, without a shell, and with nothing of
/// the caller's environment.
///
/// `iptables` and `ip6tables` are the host's own choice of their two kinds, legacy and nf_tables: both know physdev, and what
/// `vifguard rules` prints means the same by hand. Of arptables only the legacy kind has a FORWARD chain.
struct FilterTools: Sendable {
    /// What root's programs are found in: whatever the caller's PATH says.
    private static let environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]
    /// A host with thousands of rules has a few MiB of them.
    private static let maximumBytes = 16 << 20
    private static let patience = Duration.seconds(30)

    /// What each tool is called here.
    let names: [Filter: String]

    /// - Throws: `ClassicError.refused` if one is missing: what to install.
    init() throws(ClassicError) {
        var names: [Filter: String] = [:]
        for filter in [Filter.iptables, .ip6tables] {
            guard Self.isPresent(filter.rawValue) else {
                throw .refused("there is no \(filter.rawValue) here: install the package iptables")
            }
            names[filter] = filter.rawValue
        }
        names[.arptables] = try Self.arptables()
        self.names = names
    }

    private static func arptables() throws(ClassicError) -> String {
        if isPresent("arptables-legacy") { return "arptables-legacy" }
        let advice = "install the package arptables, whose arptables-legacy is needed"
        guard isPresent("arptables") else { throw .refused("there is no arptables here: \(advice)") }
        // Before there were two kinds, it was the legacy one.
        guard try !run("arptables", ["-V"]).contains("nf_tables") else {
            throw .refused("arptables is the kind for nf_tables here, which has no FORWARD chain: \(advice)")
        }
        return "arptables"
    }

    private static func isPresent(_ name: String) -> Bool {
        environment["PATH", default: ""].split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// Carries a command out.
    func perform(_ command: FilterCommand) throws(ClassicError) { _ = try run(command.filter, command.arguments) }

    /// Adds and deletes rules of iptables or ip6tables, all or none: thousands of them take one process.
    ///
    /// - Parameter commands: of one of these two, and about rules (`FilterCommand.isAboutRule`).
    func performAtOnce(_ commands: some Collection<FilterCommand>) throws(ClassicError) {
        guard let filter = commands.first?.filter, let name = names[filter] else { return }
        let lines = ["*filter"] + commands.map { $0.arguments.joined(separator: " ") } + ["COMMIT", ""]
        // It has no name: nothing of it is left, whatever happens.
        guard let file = tmpfile() else { throw .network(NetlinkError(action: "make a file of rules", cause: .errno(errno, kernelMessage: nil))) }
        defer { fclose(file) }
        guard fputs(lines.joined(separator: "\n"), file) >= 0, fflush(file) == 0, lseek(fileno(file), 0, SEEK_SET) == 0 else {
            throw .network(NetlinkError(action: "write a file of rules", cause: .errno(errno, kernelMessage: nil)))
        }
        _ = try Self.run("\(name)-restore", ["-w", "20", "--noflush"], input: fileno(file))
    }

    /// What the kernel has.
    func observe() throws(ClassicError) -> FilterState {
        var state = FilterState(chains: [:])
        for filter in Filter.allCases {
            // -n: without it arptables asks the name service for each address.
            let listing = try run(filter, filter == .arptables ? ["-n", "-L", "FORWARD"] : ["-S"])
            guard let chain = ForwardChain(listing: listing, by: filter) else {
                throw .command("\(filter.rawValue) -L FORWARD", reason: "it lists no FORWARD chain: does this kernel have the table 'filter'?")
            }
            state.chains[filter] = chain
            if filter == .iptables { state.attached = FilterState.attached(inListing: listing) }
            switch try ClassicError.wrap({ () throws(NetlinkError) in try filter.setting.isOn() }) {
            case true?: break
            case false?: state.settingsOff.insert(filter)
            case nil: state.hasBridgeNetfilter = false
            }
        }
        return state
    }

    private func run(_ filter: Filter, _ arguments: [String]) throws(ClassicError) -> String {
        // arptables has no lock of its own, and no -w.
        try Self.run(names[filter] ?? filter.rawValue, (filter == .arptables ? [] : ["-w", "20"]) + arguments)
    }

    private static func run(_ name: String, _ arguments: [String], input: Int32? = nil) throws(ClassicError) -> String {
        let result = try ClassicError.wrap { () throws(ProcessError) in
            try RunningCommand(startingHere: [name] + arguments, input: input, environment: environment, atMost: maximumBytes)
                .wait(atMost: patience)
        }
        guard result.succeeded else {
            let said = result.errors.split(separator: "\n").first { !$0.isEmpty } ?? "it ended with status \(result.status)"
            throw .command(([name] + arguments).joined(separator: " "), reason: String(said) + advice(result.errors))
        }
        return result.output
    }

    private static func advice(_ errors: String) -> String {
        if geteuid() != 0 { return ": run as root" }
        return errors.contains("physdev") ? ": does this kernel have xt_physdev?" : ""
    }
}
