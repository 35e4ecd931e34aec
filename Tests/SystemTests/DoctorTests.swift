import Agent
import CBPF
import Datapath
import EventStore
import Foundation
import Glibc
import Lab
import Logging
import Netlink
import Packets
import Testing

/// Faults made for real on a guarded host: `vifguard doctor` names each, and what it says mends it.
@Suite(.timeLimit(.minutes(10)))
struct DoctorTests {
    /// A fault, and what `doctor` calls it.
    struct Fault: Sendable, CustomTestStringConvertible {
        var id: String
        /// A shell's commands, in the host's namespace.
        var commands: [String]
        /// As in the finding's place or words.
        var names: String
        var severity = "problem"
        var mends = true
        var testDescription: String { "\(id): \(commands.joined(separator: "; "))" }
    }

    private static let calls = ["iptables", "ip6tables", "arptables"].map { "sysctl -qw net.bridge.bridge-nf-call-\($0)=1" }

    static let marks = [
        Fault(
            id: "mark-overwritten",
            commands: [calls[0], "iptables-legacy -t mangle -A PREROUTING -p tcp -m comment --comment \"it's -j MARK\" -j MARK --set-mark 1"],
            names: "iptables-legacy, table mangle, chain PREROUTING, rule 1"),
        Fault(
            id: "mark-overwritten",
            commands: [
                calls[0], "iptables-legacy -t mangle -N sub", "iptables-legacy -t mangle -A FORWARD -i br+ -j sub",
                "iptables-legacy -t mangle -A sub -j ACCEPT", "iptables-legacy -t mangle -A sub -j MARK --and-mark 0xff",
            ], names: "chain sub, rule 2"),
        Fault(
            id: "mark-overwritten", commands: [calls[1], "ip6tables-legacy -t mangle -A PREROUTING -j MARK --set-mark 1"], names: "ip6tables-legacy"),
        Fault(
            id: "mark-overwritten", commands: [calls[0], "iptables-nft -t mangle -A PREROUTING -p tcp -j MARK --set-mark 1"], names: "iptables-nft"),
        Fault(
            id: "mark-restored", commands: [calls[0], "iptables-nft -t mangle -A PREROUTING -p udp -j CONNMARK --restore-mark"], names: "iptables-nft"
        ),
        Fault(
            id: "mark-saved", commands: [calls[0], "iptables-legacy -t mangle -A POSTROUTING -m mark --mark 0xca6c -p udp -j CONNMARK --save-mark"],
            names: "chain POSTROUTING", severity: "warning"),
        Fault(
            id: "mark-forges-stamp", commands: [calls[0], "iptables-legacy -t mangle -A FORWARD -j MARK --or-mark 0x40000000"], names: "chain FORWARD"
        ),
        Fault(id: "mark-overwritten", commands: [calls[2], "arptables-legacy -A FORWARD -j MARK --set-mark 1"], names: "arptables-legacy"),
        Fault(
            id: "mark-overwritten", commands: ["ebtables-nft -A FORWARD -p IPv4 -j mark --mark-set 0x1 --mark-target CONTINUE"], names: "ebtables-nft"
        ),
        Fault(
            id: "mark-overwritten",
            commands: [
                calls[0], "nft add table inet t", "nft add chain inet t pre '{ type filter hook prerouting priority 0; }'",
                "nft add rule inet t pre ip saddr 192.0.2.1 counter meta mark set 0x5",
            ], names: "nft, table inet t, chain pre"),
        Fault(
            id: "mark-restored",
            commands: [
                calls[0], "nft add table ip t", "nft add chain ip t fwd '{ type filter hook forward priority 0; }'",
                "nft add rule ip t fwd meta mark set ct mark",
            ], names: "nft, table ip t, chain fwd"),
        Fault(
            id: "mark-forges-stamp",
            commands: [
                "nft add table bridge t", "nft add chain bridge t fwd '{ type filter hook forward priority 0; }'",
                "nft add rule bridge t fwd meta mark set meta mark or 0x40000000",
            ], names: "nft, table bridge t, chain fwd"),
        Fault(
            id: "mark-overwritten",
            commands: [
                "nft add table netdev t", "nft add chain netdev t in '{ type filter hook ingress device vif1.0 priority 0; }'",
                "nft add rule netdev t in meta mark set 7",
            ], names: "nft, table netdev t, chain in"),
    ]

    static let settings = [
        Fault(id: "bridged-frames-filtered", commands: calls, names: "iptables, ip6tables, arptables", severity: "note"),
        Fault(id: "bridged-frames-filtered", commands: ["ip link set br0 type bridge nf_call_iptables 1"], names: "bridge br0", severity: "note"),
        Fault(
            id: "link-local-groups-forwarded", commands: ["ip link set br0 type bridge group_fwd_mask 0x4000"], names: "0x4000", severity: "warning"),
        Fault(id: "spanning-tree-on", commands: ["ip link set br0 type bridge stp_state 1"], names: "bridge br0", severity: "warning"),
        Fault(
            id: "new-port-reaches-host",
            commands: [
                "sysctl -qw net.ipv4.conf.all.drop_unicast_in_l2_multicast=0", "sysctl -qw net.ipv4.conf.all.arp_ignore=0",
                "sysctl -qw net.ipv4.conf.default.rp_filter=0", "sysctl -qw net.ipv6.conf.default.disable_ipv6=0",
            ], names: "net.ipv4.conf.all.drop_unicast_in_l2_multicast is 0", severity: "warning"),
        Fault(
            id: "host-accepts-router-advertisements",
            commands: ["sysctl -qw net.ipv6.conf.br0.disable_ipv6=0", "sysctl -qw net.ipv6.conf.br0.accept_ra=1"], names: "accept_ra is 1",
            severity: "note"),
        Fault(id: "host-accepts-redirects", commands: ["sysctl -qw net.ipv4.conf.br0.accept_redirects=1"], names: "bridge br0", severity: "note"),
        Fault(id: "host-answers-for-others", commands: ["sysctl -qw net.ipv4.conf.all.proxy_arp=1"], names: "proxy_arp is on", severity: "warning"),
        Fault(
            id: "drift-set-port", commands: ["bridge link set dev vif1.0 learning on", "bridge link set dev vif1.0 flood on"],
            names: "learning off, flood off", severity: "warning"),
        Fault(
            id: "drift-add-forwarding", commands: ["bridge fdb del 02:00:00:00:00:01 dev vif1.0 master"], names: "forward 02:00:00:00:00:01 here",
            severity: "warning"),
        Fault(id: "drift-set-link-local-learning", commands: ["ip link set br0 type bridge no_linklocal_learn 0"], names: "br0", severity: "warning"),
        Fault(id: "drift-set-ipv6", commands: ["sysctl -qw net/ipv6/conf/vif1.0/disable_ipv6=0"], names: "vif1.0", severity: "warning"),
        Fault(id: "port-hairpin", commands: ["bridge link set dev vif1.0 hairpin on"], names: "port vif1.0", severity: "warning"),
        Fault(
            id: "port-unguarded", commands: ["ip link add vif3.0 type veth peer name p-vif3.0", "ip link set vif3.0 master br0 up"],
            names: "port vif3.0"),
        Fault(id: "uplink-missing", commands: ["ip link set up0 nomaster"], names: "uplink up0"),
        Fault(id: "ingress-qdisc", commands: ["tc qdisc add dev vif1.0 ingress"], names: "interface vif1.0", severity: "note", mends: false),
        Fault(
            id: "program-behind", commands: ["tc qdisc add dev vif1.0 clsact", "tc filter add dev vif1.0 ingress pref 5 matchall action pass"],
            names: "matchall filter of priority 5", severity: "note", mends: false),
    ]

    // MARK: Faults

    @Test func `a host as it should be has no problem, and only the agent is missed`() throws {
        let patient = try Patient()
        let diagnosis = try patient.examine()
        #expect(diagnosis.sound && diagnosis.problems == 0 && diagnosis.status == 0)
        #expect(
            Set(diagnosis.findings.map(\.id)).isSubset(of: ["agent-not-running", "port-closed", "not-looked-at", "unprivileged-bpf"]),
            "\(diagnosis.findings)")
        // With an agent that too is gone.
        let lock = try #require(try AgentLock.take(in: StateFolder(patient.fixture.state)))
        #expect(try patient.examine().warnings == 0)
        withExtendedLifetime(lock) {}
        let shown = try patient.fixture.run("doctor")
        #expect(shown.status == 0 && shown.errors.isEmpty && shown.output.contains("agent-not-running"))
        #expect(!shown.output.contains("\u{1b}"))
        for line in shown.output.split(separator: "\n") where !line.hasPrefix("        ") { #expect(line.count <= 80, "\(line)") }
        #expect(try patient.fixture.succeed("plan").contains("Nothing to do"), "doctor has changed something")
    }

    @Test(arguments: marks + settings)
    func `a fault is named, and gone once it is mended as it says`(fault: Fault) throws {
        let patient = try Patient()
        #expect(try patient.finding(fault.id, naming: fault.names) == nil)
        for command in fault.commands { try patient.shell(command) }
        let diagnosis = try patient.examine()
        let finding = try #require(
            diagnosis.findings.first { $0.id == fault.id && "\($0.place) \($0.found)".contains(fault.names) }, "\(diagnosis.findings)")
        #expect(finding.severity == fault.severity)
        #expect(diagnosis.status == (diagnosis.findings.contains { $0.severity == "problem" } ? 1 : 0))
        guard fault.mends else { return }
        #expect(!finding.mend.isEmpty)
        for command in finding.mend { try patient.shell(command) }
        let after = try patient.finding(fault.id, naming: fault.names)
        #expect(after == nil, "\(String(describing: after)) after \(finding.mend)")
        #expect(try patient.examine().sound)
    }

    @Test func `a rule that spares the stamp is no fault`() throws {
        let patient = try Patient()
        for command in Self.calls + [
            "iptables-legacy -t mangle -A PREROUTING -j MARK --set-xmark 0x4000/0x4000", "iptables-legacy -t mangle -A OUTPUT -j MARK --set-mark 1",
            "iptables-legacy -t mangle -A PREROUTING -i wg0 -j MARK --set-mark 1",
            "iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark --mask 0xff",
            "nft add table inet t", "nft add chain inet t out '{ type route hook output priority 0; }'", "nft add rule inet t out meta mark set 5",
        ] { try patient.shell(command) }
        let diagnosis = try patient.examine()
        #expect(!diagnosis.findings.contains { $0.id.hasPrefix("mark-") }, "\(diagnosis.findings)")
    }

    @Test func `rules count for nothing where bridged frames don't run through them`() throws {
        let patient = try Patient()
        try patient.shell("iptables-legacy -t mangle -A PREROUTING -j MARK --set-mark 1")
        #expect(try patient.examine().sound)
    }

    @Test func `another's program in front of the guard is a problem until it has gone`() throws {
        let patient = try Patient()
        let program = try patient.fixture.host.run { try Self.load(BPF_PROG_TYPE_SCHED_CLS) }
        defer { close(program) }
        let link = try patient.fixture.host.run {
            let link = cbpf_link_first(program, try Link.named("vif1.0").index, Int32(CBPF_TCX_INGRESS))
            try #require(link >= 0, "no tcx link: \(link)")
            return link
        }
        let finding = try #require(try patient.finding("program-in-front", naming: "vif1.0"))
        #expect(finding.severity == "problem" && finding.found.contains("'passer'") && finding.found.contains("ingress"))
        #expect(try patient.fixture.host.run { bpf_link_detach(link) } == 0)
        close(link)
        #expect(try patient.finding("program-in-front", naming: "vif1.0") == nil)
    }

    @Test func `an XDP program is found, and taken off as it says`() throws {
        let patient = try Patient()
        let program = try patient.fixture.host.run { try Self.load(BPF_PROG_TYPE_XDP) }
        defer { close(program) }
        let result = try patient.fixture.host.run { bpf_xdp_attach(Int32(try Link.named("vif1.0").index), program, 0, nil) }
        try #require(result == 0, "no XDP: \(result)")
        let finding = try #require(try patient.finding("xdp-program", naming: "vif1.0"))
        for command in finding.mend { try patient.shell(command) }
        #expect(try patient.finding("xdp-program", naming: "vif1.0") == nil)
    }

    /// A program that passes all: `r0 = 2; exit` (XDP_PASS), or `r0 = -1; exit` (TCX_NEXT).
    private static func load(_ type: bpf_prog_type) throws -> Int32 {
        var code = [bpf_insn(), bpf_insn()]
        code[0].code = UInt8(BPF_ALU64 | BPF_MOV | BPF_K)
        code[0].imm = type == BPF_PROG_TYPE_XDP ? 2 : -1
        code[1].code = UInt8(BPF_JMP | BPF_EXIT)
        let program = bpf_prog_load(type, "passer", "GPL", code, code.count, nil)
        try #require(program >= 0, "can't load a program: \(program)")
        return program
    }

    // MARK: The policy

    @Test func `what is wrong with the policy is told, and what isn't applied`() throws {
        let fresh = try CommandFixture()
        var patient = Patient(fresh)
        #expect(try patient.finding("policy-not-applied", naming: "policy.yaml")?.severity == "problem")
        patient = try Patient()
        let sound = CommandFixture.soundPolicy
        try patient.fixture.write(sound.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.254]"))
        let invalid = try #require(try patient.finding("policy-invalid", naming: "policy.yaml:9:"))
        #expect(invalid.found.contains("192.0.2.254") && invalid.mend.count == 1)
        #expect(try patient.fixture.host.execute(["sh", "-c", patient.prefix + invalid.mend[0]]).status == 1)
        try patient.fixture.write(sound.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.7]"))
        #expect(try patient.finding("drift-bind", naming: "vif1.0")?.severity == "problem")
        try patient.fixture.write("bridges: {br7: {}}\n")
        #expect(try patient.finding("bridge-missing", naming: "br7") != nil && patient.finding("bridge-not-in-policy", naming: "br0") != nil)
        try FileManager.default.removeItem(at: patient.fixture.policy)
        #expect(try patient.finding("policy-missing", naming: "policy.yaml") != nil)
    }

    @Test func `who may not look is told so`() throws {
        let patient = try Patient()
        let copy = try PublicCopy(of: CommandFixture.binary)
        let command = [
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", copy.path, "doctor", "--json", "--policy", "/nowhere",
            "--state", "/nowhere",
        ]
        let result = try patient.fixture.host.execute(command, atMost: .seconds(60))
        let diagnosis = try Patient.diagnosis(result)
        #expect(diagnosis.findings.contains { $0.id == "not-looked-at" && $0.place == "/sys/fs/bpf/vifguard" }, "\(result)")
        #expect(diagnosis.findings.contains { $0.id == "not-looked-at" && $0.place.hasPrefix("kernel") })
    }

    // MARK: Audit first

    /// Guest 1 says in ARP that the gateway's address is its own, and asks for guest 2's, who hears it therefore.
    private static let spoof = arpRequest(from: 1, sender: [192, 0, 2, 254], target: [192, 0, 2, 2])
    private static let honest = arpRequest(from: 1, target: [192, 0, 2, 2])

    private static func policy(mode: String) -> String {
        CommandFixture.soundPolicy.replacingOccurrences(of: "addresses: [192.0.2.1]", with: "addresses: [192.0.2.1], mode: \(mode)") + """

              mail.example.com:
                interfaces:
                  - {port: vif2.0, bridge: br0, mac: "02:00:00:00:00:02", addresses: [192.0.2.2]}
            """
    }

    @Test func `a guest in audit mode is let through and named, and stopped once it is held to its binding`() throws {
        let fixture = try CommandFixture(policy: Self.policy(mode: "audit"))
        let patient = try Patient(applying: fixture)
        let recording = try Recorder(fixture)
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        let mail = try Sniffer(on: "p-vif2.0", in: fixture.host)
        #expect(try fixture.port("vif1.0").audit?.ready == true && fixture.port("vif2.0").audit == nil)
        #expect(try patient.finding("audit-ready", naming: "www.example.com") != nil)

        // It gets through, and everybody says so.
        try sender.send(Self.spoof)
        #expect(try mail.first { $0.bytes.starts(with: Self.spoof) } != nil)
        let port = try fixture.port("vif1.0")
        #expect(port.sent.wouldDrop["arp-sender-ip"]?.packets == 1 && port.sent.dropped["arp-sender-ip"] == nil)
        #expect(port.audit?.ready == false && port.audit?.violates == ["arp-sender-ip": 1] && port.audit?.since == nil)
        #expect(
            try fixture.succeed("status").contains(
                "vif1.0 (www.example.com): would have been dropped since the port was guarded:\n    arp-sender-ip 1"))
        #expect(try patient.finding("audit-violates", naming: "arp-sender-ip 1")?.mend == ["addresses: [...]   # arp-sender-ip"])

        // With an agent there is more to say: since when, and whose the address is.
        try recording.step()
        let lock = try #require(try AgentLock.take(in: StateFolder(fixture.state)))
        #expect(try fixture.succeed("events").contains("would drop arp-sender-ip"))
        #expect(try fixture.port("vif1.0").audit?.since != nil && fixture.port("vif1.0").audit?.violates == ["arp-sender-ip": 1])
        let claim = try #require(try patient.finding("reserved-identity-claimed", naming: "192.0.2.254"))
        #expect(claim.severity == "problem" && claim.mend == ["mode: enforce   # at guest www.example.com"])

        // Held to its binding.
        try fixture.write(Self.policy(mode: "enforce"))
        _ = try fixture.succeed("apply")
        let before = mail.frames.count
        try sender.send([Self.spoof, Self.honest])
        #expect(try mail.first { $0.bytes.starts(with: Self.honest) } != nil)
        #expect(!mail.frames[before...].contains { $0.bytes.starts(with: Self.spoof) })
        let after = try fixture.port("vif1.0")
        #expect(after.sent.dropped["arp-sender-ip"]?.packets == 1 && after.sent.wouldDrop["arp-sender-ip"]?.packets == 1 && after.audit == nil)
        #expect(try !patient.examine().findings.contains { $0.id.hasPrefix("audit-") })
        #expect(try !fixture.succeed("status").contains("AUDIT"))
        withExtendedLifetime(lock) {}
    }

    @Test func `what guests used in the last day is told with whose it is, or how to list it`() throws {
        let fixture = try CommandFixture(policy: Self.policy(mode: "enforce"))
        let patient = try Patient(applying: fixture)
        let recording = try Recorder(fixture)
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        try sender.send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        try sender.send(arpRequest(from: 1, sender: [192, 0, 2, 44]))
        try FrameSender(on: "p-up0", in: fixture.host).send(arpRequest(from: 9, sender: [192, 0, 2, 2]))
        try recording.step()
        let theft = try #require(try patient.finding("identity-claimed-by-two", naming: "192.0.2.2"))
        #expect(theft.severity == "warning" && theft.place == "guest www.example.com, port vif1.0" && theft.meaning.contains("mail.example.com"))
        #expect(try patient.finding("guest-identity-on-uplink", naming: "uplink up0")?.meaning.contains("mail.example.com") == true)
        let unlisted = try #require(try patient.finding("identity-unlisted", naming: "192.0.2.44"))
        #expect(unlisted.mend == ["addresses: [192.0.2.1, 192.0.2.44]"])
        // Written where it belongs, the guest may use it.
        try fixture.write(Self.policy(mode: "enforce").replacingOccurrences(of: "addresses: [192.0.2.1]", with: unlisted.mend[0]))
        _ = try fixture.succeed("apply")
        #expect(try patient.finding("identity-unlisted", naming: "192.0.2.44") == nil)
    }
}

/// A guarded host, and what `doctor` says of it.
private struct Patient {
    struct Finding: Decodable {
        var id: String
        var severity: String
        var place: String
        var found: String
        var meaning: String
        var mend: [String]
        private enum CodingKeys: String, CodingKey {
            case id, severity, found, meaning, mend
            case place = "where"
        }
    }

    struct Diagnosis: Decodable {
        var sound: Bool
        var problems: Int
        var warnings: Int
        var findings: [Finding]
        var status: Int32 = 0
        private enum CodingKeys: String, CodingKey { case sound, problems, warnings, findings }
    }

    let fixture: CommandFixture

    /// A host as it was found.
    init(_ fixture: CommandFixture) { self.fixture = fixture }

    /// A host whose policy is in force, and whose settings are as `doctor` would have them.
    init(applying fixture: CommandFixture? = nil) throws {
        self.fixture = try fixture ?? CommandFixture()
        let settings = [
            "net.ipv4.conf.all.drop_unicast_in_l2_multicast=1", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.default.rp_filter=1",
            "net.ipv4.conf.all.accept_redirects=0",
            "net.ipv4.conf.br0.accept_redirects=0",
        ]
        for setting in settings { try shell("sysctl -qw \(setting)") }
        _ = try self.fixture.succeed("apply")
    }

    /// The command that is tested, and its policy, for a shell.
    var prefix: String {
        let folder = URL(filePath: CommandFixture.binary).deletingLastPathComponent().path
        return "PATH='\(folder)':/usr/sbin:/sbin:$PATH; export VIFGUARD_POLICY='\(fixture.policy.path)'; "
    }

    func shell(_ command: String) throws { _ = try fixture.host.output(of: ["sh", "-c", prefix + command], atMost: .seconds(60)) }

    func examine() throws -> Diagnosis { try Self.diagnosis(try fixture.run("doctor", "--json")) }

    static func diagnosis(_ result: CommandResult) throws -> Diagnosis {
        try #require(result.status == 0 || result.status == 1, "\(result)")
        var diagnosis = try JSONDecoder().decode(Diagnosis.self, from: Data(result.output.utf8))
        diagnosis.status = result.status
        return diagnosis
    }

    func finding(_ id: String, naming words: String) throws -> Finding? {
        try examine().findings.first { $0.id == id && "\($0.place) \($0.found)".contains(words) }
    }
}

/// Records what the kernel counts, as an agent does.
private final class Recorder: @unchecked Sendable {
    private let fixture: CommandFixture
    private var collector: Collector!

    init(_ fixture: CommandFixture) throws {
        self.fixture = fixture
        let folder = StateFolder(fixture.state)
        try fixture.host.run {
            let recorder = EventRecorder(folder) { _ in }
            collector = Collector(recorder: recorder, journal: ViolationJournal(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
            try collector.watch(try Datapath.open())
            _ = collector.step()
        }
    }

    deinit { try? fixture.host.run { collector.finish() } }

    func step() throws { try fixture.host.run { _ = collector.step() } }
}
