import Datapath
import Testing

@testable import Doctor

/// Programs of others' beside ours.
struct ProgramTests {
    private typealias Program = ForeignPrograms.Program

    private let ours = Program(way: .tcx, id: 7, name: "guest_ingress", isOurs: true)
    private let filter = Program(way: .clsact, priority: 1, handle: 0x76_6966, id: 7, name: "guest_ingress", isOurs: true)
    private let link = Program(way: .tcx, id: 9, name: "snoop")
    private let flower = Program(way: .clsact, kind: "flower", priority: 10, handle: 1)

    private func findings(_ programs: [Program], hook: Hook = .ingress) -> [Finding] {
        ForeignPrograms(interface: "vif1.0", hooks: [hook: programs]).findings
    }

    @Test func `ours alone is fine`() { #expect(findings([ours]).isEmpty && findings([filter], hook: .egress).isEmpty && findings([]).isEmpty) }

    @Test func `in front of ours is a problem, behind a note`() {
        #expect(findings([link, ours]).map { "\($0.id) \($0.severity)" } == ["program-in-front problem"])
        #expect(findings([ours, link]).map { "\($0.id) \($0.severity)" } == ["program-behind note"])
        #expect(findings([ours, flower]).map(\.id) == ["program-behind"])
        #expect(findings([link, filter, flower]).map(\.id) == ["program-in-front", "program-behind"])
    }

    @Test func `how to take one off that is in front`() {
        #expect(findings([link, ours])[0].mend == ["bpftool net detach tcx_ingress dev vif1.0"])
        let other = Program(way: .clsact, priority: 1, handle: 2, id: 9, name: "x")
        #expect(findings([other, filter], hook: .egress)[0].mend == ["tc filter del dev vif1.0 egress pref 1 handle 0x2 bpf"])
    }

    @Test func `where none of ours runs it is something else that is wrong`() { #expect(findings([link, flower]).isEmpty) }

    @Test func `XDP is a warning, and an ingress qdisc what the kernel makes of it`() {
        #expect(ForeignPrograms(interface: "vif1.0", xdp: 5).findings.map { "\($0.id) \($0.severity)" } == ["xdp-program warning"])
        #expect(ForeignPrograms(interface: "vif1.0", hasIngressQdisc: true).findings.map { "\($0.id) \($0.severity)" } == ["ingress-qdisc note"])
        let old = ForeignPrograms(interface: "vif1.0", hasIngressQdisc: true, hasTCX: false).findings
        #expect(old.map(\.severity) == [.problem] && old[0].mend == ["tc qdisc del dev vif1.0 ingress"])
    }
}
