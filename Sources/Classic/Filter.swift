import Netlink

/// One of the three tools whose FORWARD chains hold the rules, in the order in which the article names them.
public enum Filter: String, CaseIterable, Sendable, Hashable, Encodable {
    case iptables, arptables, ip6tables

    /// What makes bridged frames go through its chain.
    var setting: BridgeNetfilter {
        switch self {
        case .iptables: .iptables
        case .arptables: .arptables
        case .ip6tables: .ip6tables
        }
    }
}
