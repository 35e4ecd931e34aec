import Addresses
import Datapath
import Netlink
import Policy

/// What is guarded on this host: the facts that `status` prints.
package struct HostStatus: Encodable {
    package struct Bridge: Encodable {
        package var name: String
        package var index: UInt32
        package var ports: [PortFacts]
        /// Ports of the bridge that joined it since the last `apply`: what they send is dropped as unjudged everywhere else.
        package var unguarded: [String]
    }

    package var pins: String
    /// Which programs are in force, and whether they are those of this vifguard.
    package var program: String
    package var isCurrent: Bool
    /// The bit of the packet mark that stamps judged frames.
    package var stampBit: Int
    /// How many ports and bridges the maps have room for.
    package var maximumPorts: Int
    package var bridges: [Bridge]
    /// Bytes that each of the kernel's maps takes, by name.
    package var mapBytes: [String: UInt64]

    package static func observe(_ datapath: Datapath) throws -> HostStatus {
        let links = Dictionary(try Link.all().map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        let statuses = try datapath.ports()
        let recorded = Set(statuses.map(\.port.index))
        let now = Datapath.bootTime
        var byBridge: [UInt32: [PortFacts]] = [:]
        for status in statuses {
            let facts = PortFacts(status, link: links[status.port.index], ways: try datapath.attachments(of: status.port.index), now: now)
            byBridge[status.port.bridgeIndex, default: []].append(facts)
        }
        let bridges = byBridge.map { index, ports in
            let newcomers = links.values.filter { $0.bridge == index && !recorded.contains($0.index) }
            return Bridge(
                name: links[index]?.name ?? ports.first?.bridge ?? "interface \(index)", index: index,
                ports: ports.sorted { ($0.rank, $0.index) < ($1.rank, $1.index) }, unguarded: newcomers.map(\.name).sorted())
        }
        let program = datapath.programIdentity
        return HostStatus(
            pins: datapath.pins.path, program: program, isCurrent: try program == DatapathObject.embedded.identity(),
            stampBit: datapath.stampBit, maximumPorts: datapath.maximumPorts,
            bridges: bridges.sorted { $0.name < $1.name }, mapBytes: try datapath.mapSizes())
    }

    /// Only one port, with its bridge.
    package func only(_ port: String) throws -> HostStatus {
        var status = self
        for index in status.bridges.indices {
            status.bridges[index].ports.removeAll { $0.name != port }
            status.bridges[index].unguarded.removeAll { $0 != port }
        }
        status.bridges.removeAll { $0.ports.isEmpty && $0.unguarded.isEmpty }
        guard !status.bridges.isEmpty else { throw Failure("\(port.visible) isn't guarded: 'vifguard status' lists what is") }
        return status
    }
}

/// One guarded interface.
package struct PortFacts: Encodable {
    package enum State: String, Encodable, CaseIterable {
        /// Nothing passes: no binding says who is behind it.
        case closed
        case bound
        /// An uplink, or the bridge's own interface.
        case trusted
        /// The interface is gone; its record is still there.
        case gone
        /// A program of ours is missing.
        case unguarded

        /// - Parameters:
        ///   - isPresent: whether there is such an interface.
        ///   - isWhole: whether a program of ours is at each hook.
        package init(isPresent: Bool, isWhole: Bool, _ kind: PortKind, isBound: Bool) {
            self =
                if !isPresent {
                    .gone
                } else if !isWhole {
                    .unguarded
                } else if kind != .guest {
                    .trusted
                } else {
                    isBound ? .bound : .closed
                }
        }
    }

    package var name: String
    package var index: UInt32
    package var bridge: String
    package var kind: String
    package var state: State
    /// How programs hang on it: `tcx` or `clsact`; missing where there is none.
    package var ingress: String?
    package var egress: String?
    package var mode: String?
    package var binding: BindingFacts?
    /// What DHCP has given to the guest, besides what its binding lists.
    package var leases: [LeaseFacts]
    /// Link-local addresses that the guest has claimed.
    package var claims: [String]
    /// From the port into the bridge.
    package var sent: SideFacts
    /// Out of the bridge to the port.
    package var received: SideFacts
    /// Of a guest in audit mode: what it would lose without.
    package var audit: AuditFacts?

    /// - Parameter now: nanoseconds of CLOCK_BOOTTIME, for what is left of leases.
    package init(_ status: PortStatus, link: Link?, ways: [Hook: AttachmentWay], now: UInt64) {
        name = link?.name ?? status.port.name
        index = status.port.index
        bridge = status.port.bridgeName
        kind = status.kind.name
        ingress = ways[.ingress]?.rawValue
        egress = ways[.egress]?.rawValue
        binding = status.binding.map { BindingFacts($0.without(status.leases)) }
        leases = status.leases.map { LeaseFacts($0, now: now) }
        claims = status.claims.map(\.description)
        sent = SideFacts(status.counters.into)
        received = SideFacts(status.counters.out)
        audit = status.binding?.mode == .audit ? AuditFacts(status.counters) : nil
        state = State(isPresent: link != nil, isWhole: ways.count == Hook.allCases.count, status.kind, isBound: status.binding != nil)
        mode =
            switch status.kind {
            case .guest: status.binding?.mode.rawValue
            case .uplink: status.mode.rawValue
            case .bridge: nil
            }
    }

    /// The bridge itself first, then uplinks, then guests.
    fileprivate var rank: Int { kind == PortKind.bridge.name ? 0 : kind == PortKind.uplink.name ? 1 : 2 }
}

/// A binding in force, as it was stated: without what DHCP has given.
package struct BindingFacts: Encodable {
    package var guest: String
    package var origin: String
    package var mode: String
    package var macs: [String]
    package var addresses: [String]
    package var linkLocals: [String]
    package var linkLocalMode: String
    package var dhcp: Bool
    package var roles: [String]
    package var vlans: [UInt16]
    package var virtualRouters: [String]
    package var etherTypes: [String]
    package var quiet: Bool
    package var migrating: Bool

    package init(_ binding: Binding) {
        guest = binding.guest
        origin = binding.origin.name
        mode = binding.mode.rawValue
        macs = binding.macs.map(\.description)
        addresses = binding.addresses4.map(\.description) + binding.addresses6.map(\.description)
        linkLocals = binding.linkLocals.map(\.description)
        linkLocalMode = binding.linkLocalMode.rawValue
        dhcp = binding.usesDHCP
        let names: [(Roles, String)] = [
            (.router, "router"), (.dhcp4Server, "dhcp4-server"), (.dhcp6Server, "dhcp6-server"),
            (.multicastQuerier, "multicast-querier"), (.transit, "transit"),
        ]
        roles = names.filter { binding.roles.contains($0.0) }.map(\.1)
        vlans = binding.vlans
        virtualRouters = binding.virtualRouters.map { "\($0.mac) \($0.address)" }
        etherTypes = binding.etherTypes.map { "0x" + String($0, radix: 16) }
        quiet = binding.quiet
        migrating = binding.isMigrating
    }

    /// What it may speak as: "00:16:3e:38:b4:ac; 192.0.2.43, 2001:db8::60, dhcp".
    package var identity: String {
        let all = addresses + linkLocals + (dhcp ? ["dhcp"] : [])
        return macs.joined(separator: ", ") + "; " + (all.isEmpty ? "no address" : all.joined(separator: ", "))
    }

    /// What it is beyond a plain host; empty for most.
    package var extras: [String] {
        roles + (vlans.isEmpty ? [] : ["vlans \(vlans.map(String.init).joined(separator: ", "))"]) + virtualRouters.map { "vrrp \($0)" }
            + (etherTypes.isEmpty ? [] : ["ethertypes \(etherTypes.joined(separator: ", "))"]) + (quiet ? [] : ["not quiet"])
            + (migrating ? ["migrating"] : [])
    }
}

/// What went one way through a port.
package struct SideFacts: Encodable {
    package struct Count: Encodable {
        package var packets: UInt64
        package var bytes: UInt64

        package init(_ count: Counters.Count) {
            packets = count.packets
            bytes = count.bytes
        }
    }

    package var passed: Count
    /// By reason.
    package var dropped: [String: Count]
    /// By reason: what audit mode let pass.
    package var wouldDrop: [String: Count]

    package init(_ side: Counters.Side) {
        passed = Count(side.passed)
        dropped = Dictionary(uniqueKeysWithValues: side.dropped.map { ($0.key.name, Count($0.value)) })
        wouldDrop = Dictionary(uniqueKeysWithValues: side.audited.map { ($0.key.name, Count($0.value)) })
    }
}

extension [String: SideFacts.Count] {
    package var packets: UInt64 { values.reduce(0) { $0 &+ $1.packets } }

    /// The reasons counted most often first.
    package var ranked: [(reason: String, count: SideFacts.Count)] {
        sorted { ($1.value.packets, $0.key) < ($0.value.packets, $1.key) }.map { (reason: $0.key, count: $0.value) }
    }
}
