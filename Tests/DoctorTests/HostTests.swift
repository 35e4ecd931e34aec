import Datapath
import Testing

@testable import Doctor

/// The kernel, the pins and the agent.
struct HostTests {
    // MARK: The kernel

    private let kernel = Kernel(release: "6.18.44-x", loadsPrograms: true, hasRingBuffer: true, hasTCX: true, jit: 1, unprivilegedDisabled: 2)

    @Test func `a kernel that has all is fine`() {
        #expect(kernel.findings.isEmpty)
        var old = kernel
        old.hasTCX = false
        old.hasClsact = true
        old.release = "6.1.0-18-amd64"
        #expect(old.findings.isEmpty)
        var bare = kernel
        (bare.jit, bare.unprivilegedDisabled) = (nil, nil)
        #expect(bare.findings.isEmpty)
    }

    @Test func `what a kernel lacks is named`() {
        func ids(_ change: (inout Kernel) -> Void) -> [String] {
            var kernel = kernel
            change(&kernel)
            return kernel.findings.map { "\($0.id) \($0.severity)" }
        }
        #expect(ids { $0.release = "5.10.0-28-amd64" } == ["kernel-old warning"])
        #expect(ids { $0.release = "6.0.19" } == ["kernel-old warning"])
        #expect(ids { $0.release = "" } == ["not-looked-at note"] && ids { $0.release = "next" } == ["not-looked-at note"])
        #expect(ids { $0.loadsPrograms = false } == ["kernel-without-bpf problem"])
        #expect(ids { $0.loadsPrograms = nil } == ["not-looked-at note"])
        #expect(ids { $0.hasRingBuffer = false } == ["kernel-without-ring-buffer problem"])
        #expect(ids { ($0.hasTCX, $0.hasClsact) = (false, false) } == ["kernel-without-attachment problem"])
        #expect(ids { ($0.hasTCX, $0.hasClsact) = (false, nil) } == ["not-looked-at note"])
        #expect(ids { $0.jit = 0 } == ["bpf-interpreted warning"])
        #expect(ids { $0.unprivilegedDisabled = 0 } == ["unprivileged-bpf note"])
    }

    // MARK: Pins

    private func pins(
        _ loaded: Pins.Loaded = .programs(isCurrent: true, stampBit: 30, maximumPorts: 4096), bpffs: Bool = true,
        path: String = "/sys/fs/bpf/vifguard", note: String? = nil, wanted: Int? = 30, ports: Int? = 4096
    ) -> [String] {
        Pins(path: path, loaded: loaded, isInBPFFileSystem: bpffs, expeditedNote: note, wantedStampBit: wanted, wantedPorts: ports)
            .findings.map { "\($0.id) \($0.severity)" }
    }

    @Test func `what is loaded`() {
        #expect(pins().isEmpty && pins(.nothing).isEmpty && pins(wanted: nil, ports: nil).isEmpty)
        #expect(pins(.programs(isCurrent: false, stampBit: 30, maximumPorts: 4096)) == ["programs-of-another-version warning"])
        #expect(pins(wanted: 29) == ["stamp-bit-differs warning"])
        #expect(pins(ports: 8192) == ["less-room-for-ports warning"] && pins(ports: 1024) == ["more-room-for-ports note"])
        #expect(pins(.failed(.layout(path: "x", found: 1, known: 2))) == ["maps-of-another-layout problem"])
        #expect(pins(.failed(.otherNetwork(path: "x"))) == ["pins-of-another-network problem"])
        #expect(pins(.failed(.notPermitted(action: "open"))) == ["not-looked-at note"])
    }

    @Test func `where it is pinned, and what a killed run has left`() {
        #expect(pins(.nothing, bpffs: false) == ["no-bpffs note"])
        #expect(pins(.nothing, bpffs: false, path: "/tmp/pins") == ["no-bpffs problem"])
        #expect(pins(note: "0") == ["rcu-expedited-left warning"])
        let finding = Pins(path: "/sys/fs/bpf/vifguard", loaded: .nothing, isInBPFFileSystem: true, expeditedNote: "0").findings[0]
        #expect(finding.mend == ["echo 0 > /sys/kernel/rcu_expedited", "rm /run/vifguard/rcu_expedited"])
    }

    // MARK: The agent

    private func unit(_ fileState: String = "enabled", _ activeState: String = "active", before: Set<String> = []) -> AgentState.Unit {
        AgentState.Unit(fileState: fileState, activeState: activeState, before: before)
    }

    private func agent(_ service: AgentState.Service, isRunning: Bool? = true) -> [String] {
        AgentState(isRunning: isRunning, stateFolder: "/var/lib/vifguard", service: service).findings.map { "\($0.id) \($0.severity)" }
    }

    @Test func `an agent that runs and will is fine`() {
        #expect(agent(.unit(unit(), hypervisors: [])).isEmpty)
        #expect(agent(.unit(unit(before: ["libvirtd.service", "x.service"]), hypervisors: ["libvirtd.service"])).isEmpty)
    }

    @Test func `an agent that doesn't, or won't in time, is told`() {
        #expect(agent(.unit(unit(), hypervisors: []), isRunning: false) == ["agent-not-running warning"])
        #expect(agent(.unit(unit(), hypervisors: []), isRunning: nil) == ["not-looked-at note"])
        #expect(agent(.noSystemd) == ["not-looked-at note"] && agent(.unknown("no")) == ["not-looked-at note"])
        #expect(agent(.unit(unit(""), hypervisors: ["libvirtd.service"])) == ["unit-missing warning"])
        #expect(agent(.unit(unit("disabled"), hypervisors: [])) == ["unit-not-enabled warning"])
        #expect(agent(.unit(unit("enabled", "failed"), hypervisors: [])) == ["unit-failed problem"])
        #expect(
            agent(.unit(unit(before: ["libvirtd.service"]), hypervisors: ["libvirtd.service", "xendomains.service"])) == ["unit-after-guests warning"]
        )
    }

    @Test func `systemctl's words are read`() {
        // As systemd 252 prints them; units are parted by an empty line.
        let text = """
            Id=vifguard.service
            Before=libvirtd.service multi-user.target shutdown.target
            LoadState=loaded
            ActiveState=active
            UnitFileState=enabled

            Id=libvirtd.service
            Before=
            LoadState=loaded
            ActiveState=active
            UnitFileState=enabled

            Id=xendomains.service
            Before=
            LoadState=not-found
            ActiveState=inactive
            UnitFileState=
            """
        let wanted = AgentState.Unit(
            fileState: "enabled", activeState: "active", before: ["libvirtd.service", "multi-user.target", "shutdown.target"])
        #expect(AgentState.service(in: text) == .unit(wanted, hypervisors: ["libvirtd.service"]))
        let missing = "Id=vifguard.service\nBefore=\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
        #expect(AgentState.service(in: missing) == .unit(AgentState.Unit(fileState: "", activeState: "inactive", before: []), hypervisors: []))
        for odd in ["", "=", "\n\n\n", "Id", "Id=other.service"] {
            guard case .unknown = AgentState.service(in: odd) else {
                Issue.record("\(odd) was taken for something")
                continue
            }
        }
    }
}
