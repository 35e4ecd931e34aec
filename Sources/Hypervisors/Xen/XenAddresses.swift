import Addresses
import Reporting

/// Reads the addresses that `ip=` of a vif and `#ipv6=` list, separated by blanks and commas.
///
/// People write an address with its network's prefix length there, as for ifconfig: 192.0.2.43/24 means that one address.
/// What has no bit set behind the prefix length is the whole prefix.
public enum XenAddresses {
    /// More than any card has.
    static let maximum = 256

    /// - Parameters:
    ///   - allowsIPv4: whether IPv4 addresses, and `dhcp`, may be among them.
    ///   - source: who says so, for people.
    /// - Returns: addresses and prefixes as policies write them, and `dhcp`; none twice.
    /// - Throws: `CardError` that names the first that can't be read.
    public static func read(_ text: String, allowsIPv4: Bool = true, source: String) throws(CardError) -> [GuestCard.Statement] {
        let words = text.split { " \t\n\r,".contains($0) }
        guard words.count <= maximum else { throw CardError("\(source) lists more than \(maximum) addresses") }
        var read: [GuestCard.Statement] = []
        for word in words {
            let statement = GuestCard.Statement(try address(word, allowsIPv4: allowsIPv4, source), source: source)
            if !read.contains(statement) { read.append(statement) }
        }
        return read
    }

    private static func address(_ word: Substring, allowsIPv4: Bool, _ source: String) throws(CardError) -> String {
        if word == "dhcp", allowsIPv4 { return "dhcp" }
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { throw unreadable(word, allowsIPv4, source) }
        if case .v4 = address, !allowsIPv4 { throw unreadable(word, allowsIPv4, source) }
        guard parts.count == 2 else { return address.description }
        let width = UInt32(address.bytes.count * 8)
        guard let length = XenHotplugCall.number(parts[1], in: 0..<width + 1), let prefix = IPPrefix(masking: address, length: Int(length))
        else { throw unreadable(word, allowsIPv4, source) }
        return prefix.address == address ? prefix.description : address.description
    }

    private static func unreadable(_ word: Substring, _ allowsIPv4: Bool, _ source: String) -> CardError {
        let example = allowsIPv4 ? "such as 192.0.2.43, 2001:db8::60/64 or dhcp" : "an IPv6 address, such as 2001:db8::60"
        return CardError("\(source) says \(String(word).cut(to: 60).visible): write \(example)")
    }
}

extension IPPrefix {
    /// The prefix of that length that the address is in; nil for a length that there isn't.
    fileprivate init?(masking address: IPAddress, length: Int) {
        switch address {
        case .v4(let address):
            guard let prefix = IPv4Prefix(masking: address, length: length) else { return nil }
            self = .v4(prefix)
        case .v6(let address):
            guard let prefix = IPv6Prefix(masking: address, length: length) else { return nil }
            self = .v6(prefix)
        }
    }
}
