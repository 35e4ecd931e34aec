/// What holds guests to the policy.
public enum Engine: String, Sendable, Hashable, CaseIterable, Encodable {
    /// Programs on the bridge's ports: policy.md, whole.
    case ebpf
    /// The iptables, ip6tables and arptables rules of 2008: classic.md.
    case classic
}
