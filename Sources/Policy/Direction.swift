/// Which way a frame crosses a guarded bridge: the six places where a program judges.
///
/// The raw value is `enum guard_direction`'s.
public enum Direction: UInt8, Sendable, Hashable, CaseIterable {
    case fromGuest = 0
    case toGuest = 1
    case fromUplink = 2
    case toUplink = 3
    case toHost = 4
    case fromHost = 5

    /// The name used in output, options and JSON: `from-guest` and so on.
    public var name: String {
        switch self {
        case .fromGuest: "from-guest"
        case .toGuest: "to-guest"
        case .fromUplink: "from-uplink"
        case .toUplink: "to-uplink"
        case .toHost: "to-host"
        case .fromHost: "from-host"
        }
    }
}
