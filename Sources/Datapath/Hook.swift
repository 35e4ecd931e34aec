import CBPF
import DatapathProgram
import Policy

/// One of the two places at an interface where tc runs programs. The raw value ends a link's pin.
public enum Hook: String, Sendable, Hashable, CaseIterable {
    /// What the host receives from the interface.
    case ingress = "in"
    /// What the host sends out of it.
    case egress = "out"
}

/// What a port leads to. The raw value is `enum guard_kind`'s.
public enum PortKind: UInt8, Sendable, Hashable, CaseIterable {
    case guest = 1
    case uplink = 2
    /// The bridge's own interface, which leads to the host's stack.
    case bridge = 3

    /// The name used in output and JSON.
    public var name: String {
        switch self {
        case .guest: "guest"
        case .uplink: "uplink"
        case .bridge: "bridge"
        }
    }

    /// Which way frames go that the hook sees.
    public func direction(_ hook: Hook) -> Direction {
        switch (self, hook) {
        case (.guest, .ingress): .fromGuest
        case (.guest, .egress): .toGuest
        case (.uplink, .ingress): .fromUplink
        case (.uplink, .egress): .toUplink
        case (.bridge, .ingress): .toHost
        case (.bridge, .egress): .fromHost
        }
    }
}

extension Direction {
    /// The function in guard.bpf.c that judges this way.
    package var programName: String {
        switch self {
        case .fromGuest: "guest_ingress"
        case .toGuest: "guest_egress"
        case .fromUplink: "uplink_ingress"
        case .toUplink: "uplink_egress"
        case .toHost: "bridge_ingress"
        case .fromHost: "bridge_egress"
        }
    }

    init?(programName: String) {
        guard let direction = Self.allCases.first(where: { $0.programName == programName }) else { return nil }
        self = direction
    }

    /// The side of a slot's counters: 0 into the bridge, 1 out of it (guard.h, tallies).
    var side: Int {
        switch self {
        case .fromGuest, .fromUplink, .fromHost: 0
        case .toGuest, .toUplink, .toHost: 1
        }
    }
}
