import CBPF
import Datapath
import EventStore
import Foundation
import Glibc
import Lab
import Netlink
import Testing

/// Faults made for real on a guarded host: `vifguard doctor` names each, and what it says mends it.
@Suite(.timeLimit(.minutes(10)))
struct DoctorTests {
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
        let warnings = try withExtendedLifetime(lock) { try patient.examine().warnings }
        #expect(warnings == 0)
    }

    @Test func `people read it at 80 columns, and nothing was changed`() throws {
        let patient = try Patient()
        let shown = try patient.fixture.run("doctor")
        #expect(shown.status == 0 && shown.errors.isEmpty && shown.output.contains("agent-not-running"))
        #expect(!shown.output.contains("\u{1b}"))
        for line in shown.output.split(separator: "\n") where !line.hasPrefix("        ") { #expect(line.count <= 80, "\(line)") }
        #expect(try patient.fixture.succeed("plan").contains("Nothing to do"), "doctor has changed something")
    }

    @Test(arguments: DoctorFault.marks + DoctorFault.settings)
    func `a fault is named, and gone once it is mended as it says`(fault: DoctorFault) throws {
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
        for command in DoctorFault.calls + [
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

    @Test func `another's filter behind the guard is noted`() throws {
        let patient = try Patient()
        try patient.fixture.host.run {
            let program = try Self.load(BPF_PROG_TYPE_SCHED_CLS)
            defer { close(program) }
            let place = TrafficControl.Place(interface: try Link.named("vif1.0").index, direction: .egress, priority: 5, handle: 1)
            let failures = try TrafficControl.attach([TrafficControl.Attachment(place: place, program: program, name: "counter")])
            #expect(failures == [nil])
        }
        let finding = try #require(try patient.finding("program-behind", naming: "vif1.0"))
        #expect(finding.severity == "note" && finding.found == "a bpf filter 'counter' of priority 5 runs at egress behind the guard")
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
}
