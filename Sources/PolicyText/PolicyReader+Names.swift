import Addresses

/// Names of interfaces and guests, MACs, addresses.
extension PolicyReader {
    /// A Linux interface name: 1 to 15 bytes, no slash, colon or white space, not `.` or `..` (dev_valid_name in the
    /// kernel's net/core/dev.c). What can't be printed is refused too.
    func interfaceName(_ text: Located<String>, _ what: String) -> Located<String>? {
        guard let fault = Self.fault(ofInterfaceName: text.value) else { return text }
        let advice = "a name as `ip link` shows it, such as vif1.0"
        faults.report("\(quoted(text.value)) can't be \(what): \(fault)", at: text.location, write: advice)
        return nil
    }

    static func fault(ofInterfaceName name: String) -> String? {
        if name.isEmpty { return "it is empty" }
        if name.utf8.count > 15 { return "an interface name has at most 15 bytes" }
        if name == "." || name == ".." { return "Linux forbids it" }
        let isValid = name.unicodeScalars.allSatisfy { isPrintable($0) && !$0.properties.isWhitespace && $0 != "/" && $0 != ":" }
        return isValid ? nil : "an interface name has no /, colon, space or control character"
    }

    /// At most 128 bytes, so that it fits beside the port in the kernel's maps.
    func guestName(_ text: Located<String>) -> Located<String>? {
        let fault: String? =
            if text.value.isEmpty {
                "it is empty"
            } else if text.value.utf8.count > 128 {
                "it has \(text.value.utf8.count) bytes, 128 are the most"
            } else if !text.value.unicodeScalars.allSatisfy(isPrintable) {
                "it has a character that can't be printed"
            } else {
                nil
            }
        guard let fault else { return text }
        faults.report("\(quoted(text.value)) can't be a guest's name: \(fault)", at: text.location, write: "a name such as www.example.com")
        return nil
    }

    /// A MAC that one interface can have: neither a group's nor zero.
    func mac(_ value: YAMLValue, _ what: String) -> Located<MACAddress>? {
        let example = "00:16:3e:38:b4:ac"
        guard let text = text(value, what, example: example) else { return nil }
        guard let mac = MACAddress(text.value) else {
            let message = "\(quoted(text.value)) is not a MAC address (six pairs of hexadecimal digits)"
            faults.report(message, at: text.location, write: example)
            return nil
        }
        if mac.isGroup || mac.isZero {
            let kind = mac.isZero ? "zero" : mac.isBroadcast ? "broadcast" : "a group address (the first byte is odd)"
            faults.report(
                "\(mac) can't be \(what): it is \(kind)", at: text.location, write: "a single interface's MAC, such as \(example)")
            return nil
        }
        return Located(value: mac, location: text.location)
    }

    func address(_ value: YAMLValue, _ what: String) -> Located<IPAddress>? {
        guard let prefix = prefix(value, what, examples: "192.0.2.1 or \"2001:db8::1\"") else { return nil }
        guard prefix.value.isSingle else {
            let message = "\(what) is one address, not the prefix \(prefix.value)"
            faults.report(message, at: prefix.location, write: "the address without /\(prefix.value.length)")
            return nil
        }
        return Located(value: prefix.value.address, location: prefix.location)
    }

    func prefix(_ value: YAMLValue, _ what: String, examples: String = "192.0.2.7, 192.0.2.16/28 or \"2001:db8::7\"") -> Located<IPPrefix>? {
        guard let text = text(value, what, example: examples) else { return nil }
        do throws(AddressError) {
            return Located(value: try IPPrefix(parsing: text.value), location: text.location)
        } catch {
            let (message, advice) = Self.wording(of: error, in: text.value, examples: examples)
            faults.report(message, at: text.location, write: advice)
            return nil
        }
    }

    private static func wording(of error: AddressError, in text: String, examples: String) -> (message: String, advice: String) {
        let address = String(text.prefix { $0 != "/" && $0 != "%" })
        switch error {
        case .malformed:
            return ("\(quoted(text)) is not an IP address or prefix", examples)
        case .length(_, let maximum):
            return ("\(quoted(text)) has no valid prefix length", "a number from 0 to \(maximum) behind the slash, or \(address) alone")
        case .hostBits(_, let network):
            let one = IPAddress(address).map(\.description) ?? printable(address)
            return ("\(quoted(text)) has host bits set", "\(one) for the one address, or \(network) for the whole prefix")
        case .zone:
            return ("\(quoted(text)) has a zone: an address of a guest belongs to its port already", printable(address))
        }
    }

    /// A guest's or gateway's address or prefix can't be, or hold, one of these.
    static func misuse(of prefix: IPPrefix) -> String? {
        specials.first { $0.prefix.contains(prefix) || prefix.contains($0.prefix) }.map { special in
            special.prefix.contains(prefix) ? "\(prefix) is \(special.name)" : "\(prefix) holds \(special.name) (\(special.prefix))"
        }
    }

    private static let specials: [(prefix: IPPrefix, name: String)] = [
        ("0.0.0.0/8", "an address of hosts that have none yet"),
        ("127.0.0.0/8", "a loopback address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255", "the broadcast address"),
        ("::", "the unspecified address"),
        ("::1", "the loopback address"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 notation"),
        ("ff00::/8", "a multicast address"),
    ].compactMap { text, name in IPPrefix(text).map { ($0, name) } }
}
