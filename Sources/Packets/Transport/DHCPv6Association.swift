import Addresses

/// An identity association of a DHCPv6 message (RFC 8415 12): addresses or prefixes that a client has or asks for.
public struct DHCPv6Association: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// IA_NA
        case nonTemporary
        /// IA_TA
        case temporary
        /// IA_PD
        case delegation
    }

    /// One address, as /128, or one delegated prefix.
    public struct Grant: Hashable, Sendable {
        public let prefix: IPv6Prefix
        /// In seconds; all ones is for ever.
        public let preferredLifetime: UInt32
        /// In seconds; all ones is for ever, and 0 takes it back.
        public let validLifetime: UInt32
        /// 0 is success.
        public let status: UInt16
    }

    public let kind: Kind
    /// The IAID.
    public let identifier: UInt32
    /// 0 is success.
    public let status: UInt16
    /// Those that are whole, with lifetimes that make sense (RFC 8415 21.6: preferred no longer than valid).
    public let grants: [Grant]

    /// Nil for another option, or one that is cut short before its own options.
    public init?(_ option: DHCPv6Message.Option) {
        let fixedLength: Int
        switch option.code {
        case DHCPv6Message.Option.nonTemporaryAddresses: (kind, fixedLength) = (.nonTemporary, 12)
        case DHCPv6Message.Option.temporaryAddresses: (kind, fixedLength) = (.temporary, 4)
        case DHCPv6Message.Option.delegation: (kind, fixedLength) = (.delegation, 12)
        default: return nil
        }
        guard option.data.count >= fixedLength, let identifier = option.data.uint32(at: 0) else { return nil }
        self.identifier = identifier
        let options = DHCPv6Message.walk(option.data.dropFirst(fixedLength))
        status = options.status
        let isDelegation = kind == .delegation
        grants = options.compactMap { Grant($0, isDelegation: isDelegation) }
    }
}

extension DHCPv6Association.Grant {
    fileprivate init?(_ option: DHCPv6Message.Option, isDelegation: Bool) {
        let data = option.data
        if isDelegation {
            // IAPREFIX (21.22): lifetimes, length, prefix; bits beyond the length are to be ignored.
            guard option.code == DHCPv6Message.Option.prefix, let preferred = data.uint32(at: 0), let valid = data.uint32(at: 4),
                let length = data.uint8(at: 8), let address = data.ipv6(at: 9), let prefix = IPv6Prefix(masking: address, length: Int(length))
            else { return nil }
            self.init(prefix: prefix, preferredLifetime: preferred, validLifetime: valid, status: DHCPv6Message.walk(data.dropFirst(25)).status)
        } else {
            // IAADDR (21.6): address, lifetimes.
            guard option.code == DHCPv6Message.Option.address, let address = data.ipv6(at: 0), let preferred = data.uint32(at: 16),
                let valid = data.uint32(at: 20)
            else { return nil }
            self.init(
                prefix: IPv6Prefix(address), preferredLifetime: preferred, validLifetime: valid,
                status: DHCPv6Message.walk(data.dropFirst(24)).status)
        }
        guard preferredLifetime <= validLifetime else { return nil }
    }
}

extension OptionWalk<DHCPv6Message.Option> {
    /// What the first status code among them says (RFC 8415 21.13); 0, success, where there is none.
    var status: UInt16 { first { $0.code == DHCPv6Message.Option.status }?.data.uint16(at: 0) ?? 0 }
}
