import Addresses
import Policy

/// What interfaces, guests and defaults have in common.
extension PolicyReader {
    static let settingKeys = [
        "addresses", "link-local", "roles", "vlans", "vrrp", "ethertypes", "quiet", "mode", "limits", "migrating",
    ]
    /// The settings that make sense for all guests alike.
    private static let defaultKeys = ["link-local", "quiet", "mode", "limits"]

    func readDefaults(_ value: YAMLValue, into draft: inout PolicyDraft) {
        if value.isNull { return }
        var elsewhere: [String: String] = [:]
        for key in Self.settingKeys where !Self.defaultKeys.contains(key) { elsewhere[key] = "\(key) with each guest it is for" }
        guard let fields = fields(value, "defaults", keys: Self.defaultKeys, example: "defaults: {mode: audit}", elsewhere: elsewhere)
        else { return }
        draft.defaults = settings(fields)
        if let first = draft.defaults.linkLocals?.first {
            faults.report(
                "a link-local address can't be the default of every guest", at: first.location,
                write: "link-local: claim, or link-local: eui64")
            draft.defaults.linkLocals = nil
        }
    }

    func settings(_ fields: Fields) -> Settings {
        var settings = Settings()
        if let value = fields["addresses"] { readAddresses(value, into: &settings) }
        if let value = fields["link-local"] { readLinkLocal(value, into: &settings) }
        settings.roles = fields["roles"].flatMap(roles)
        settings.vlans = fields["vlans"].flatMap { value in
            items(value, "vlans", example: "vlans: [10, 20]") { item in
                number(item, "a VLAN id", in: 1...4094, example: "vlans: [10, 20]").map {
                    Located(value: UInt16($0), location: item.location)
                }
            }?.map(\.value)
        }
        settings.virtualRouters = fields["vrrp"].flatMap(virtualRouters)
        settings.etherTypes = fields["ethertypes"].flatMap { value in
            items(value, "ethertypes", example: "ethertypes: [0x88cc]", atMost: 4, read: etherType)?.map(\.value)
        }
        settings.quiet = fields["quiet"].flatMap { flag($0, "quiet") }
        settings.mode = fields["mode"].flatMap { choice($0, "mode", of: [Mode.enforce, .audit]) }
        if let value = fields["limits"] { settings.limits = limits(value) }
        settings.isMigrating = fields["migrating"].flatMap { flag($0, "migrating") }
        return settings
    }

    // MARK: Addresses

    private func readAddresses(_ value: YAMLValue, into settings: inout Settings) {
        let example = "addresses: [192.0.2.7, \"2001:db8::7\"], or addresses: [dhcp]"
        guard let list = list(value, "addresses", example: example) else {
            settings.isFaulty = true
            return
        }
        var usesDHCP = false
        var others: [YAMLValue] = []
        for item in list {
            if case .text("dhcp", _) = item.content { usesDHCP = true } else { others.append(item) }
        }
        let rest = YAMLValue(content: .list(others), location: value.location)
        let addresses = items(rest, "addresses", example: example, read: guestAddress) ?? []
        settings.isFaulty = addresses.count < others.count
        settings.addresses = addresses
        settings.usesDHCP = usesDHCP
    }

    private func guestAddress(_ value: YAMLValue) -> Located<IPPrefix>? {
        guard let prefix = prefix(value, "an address", examples: "192.0.2.7, 192.0.2.16/28, \"2001:db8::7\" or dhcp") else { return nil }
        if case .v6(let network) = prefix.value, network.address.isLinkLocal {
            let message = "\(network) is link-local: it belongs under link-local"
            faults.report(message, at: prefix.location, write: "link-local: {addresses: [\"\(network.address)\"]}")
            return nil
        }
        if let misuse = Self.misuse(of: prefix.value) {
            faults.report("a guest can't have this address: \(misuse)", at: prefix.location, write: "an address that is the guest's alone")
            return nil
        }
        return prefix
    }

    // MARK: Link-local addresses

    /// `claim`, `eui64`, a list of addresses (these and no claims), or `{mode, addresses}`.
    private func readLinkLocal(_ value: YAMLValue, into settings: inout Settings) {
        let example = "link-local: claim, link-local: eui64, or link-local: [\"fe80::7\"]"
        var addresses: YAMLValue?
        switch value.content {
        case .text where !value.isNull:
            settings.linkLocalMode = choice(value, "link-local", of: LinkLocalMode.allCases)
        case .list:
            settings.linkLocalMode = .eui64
            addresses = value
        case .mapping:
            guard let fields = fields(value, "link-local", keys: ["mode", "addresses"], example: example) else { return }
            settings.linkLocalMode = fields["mode"].flatMap { choice($0, "mode", of: LinkLocalMode.allCases) }
            addresses = fields["addresses"]
        default:
            reportKind(value, "link-local", must: "claim, eui64 or a list", example: example)
        }
        guard let addresses else { return }
        let list = items(addresses, "addresses", example: "addresses: [\"fe80::7\"]", read: linkLocal)
        settings.linkLocals = list
        if case .list(let items) = addresses.content, let list, list.count < items.count { settings.isFaulty = true }
    }

    private func linkLocal(_ value: YAMLValue) -> Located<IPv6Address>? {
        guard let address = address(value, "a link-local address") else { return nil }
        // RFC 4291 2.5.6: the 54 bits behind fe80::/10 are zero.
        if case .v6(let address6) = address.value, address6.high == 0xfe80 << 48 {
            return Located(value: address6, location: address.location)
        }
        faults.report(
            "\(address.value) is not a link-local address", at: address.location, write: "an address in fe80::/64, such as \"fe80::7\"")
        return nil
    }

    // MARK: Roles

    private func roles(_ value: YAMLValue) -> Roles? {
        let names = Roles.named
        let example = "roles: [router]"
        let words = items(value, "roles", example: example) { text($0, "a role", example: example) }
        return words.map { words in
            words.reduce(into: Roles()) { roles, word in
                if let match = names.first(where: { $0.name == word.value }) {
                    roles.insert(match.role)
                } else if word.value == "vlan" || word.value == "vlans" {
                    faults.report("the role vlan is given by its VLAN ids", at: word.location, write: "vlans: [10, 20] beside roles")
                } else if word.value == "vrrp" {
                    let advice = "vrrp: [{mac: 00:00:5e:00:01:01, address: 192.0.2.1}] beside roles"
                    faults.report("the role vrrp is given by its virtual routers", at: word.location, write: advice)
                } else {
                    reportChoice(word, "a role must be \(alternatives(names.map(\.name)))", words: names.map(\.name))
                }
            }
        }
    }

    private func virtualRouters(_ value: YAMLValue) -> [VirtualRouterDraft]? {
        let example = "vrrp: [{mac: 00:00:5e:00:01:01, address: 192.0.2.1}]"
        guard let list = list(value, "vrrp", example: example) else { return nil }
        if list.count > 4 { faults.report("vrrp has \(list.count) items, 4 are the most", at: list[4].location, write: "at most 4") }
        var routers: [VirtualRouterDraft] = []
        for item in list {
            guard let fields = fields(item, "a virtual router", keys: ["mac", "address"], example: example) else { continue }
            for key in ["mac", "address"] where fields[key] == nil {
                faults.report("a virtual router without \(key)", at: fields.location, write: "{mac: 00:00:5e:00:01:01, address: 192.0.2.1}")
            }
            let mac = fields["mac"].flatMap { self.mac($0, "a virtual router's MAC") }
            let address = fields["address"].flatMap { self.address($0, "a virtual router's address") }
            guard let mac, let address else { continue }
            if let misuse = Self.misuse(of: IPPrefix(address.value)) {
                faults.report(
                    "a virtual router can't have this address: \(misuse)", at: address.location, write: "the virtual router's address")
            } else if let first = routers.first(where: { $0.mac.value == mac.value && $0.address.value == address.value }) {
                faults.report(
                    "this virtual router is listed twice (first in \(first.mac.location.place))", at: mac.location, write: "it once")
            } else {
                routers.append(VirtualRouterDraft(mac: mac, address: address))
            }
        }
        return routers
    }

    private func etherType(_ value: YAMLValue) -> Located<UInt16>? {
        let example = "ethertypes: [0x88cc]"
        guard let number = number(value, "an EtherType", in: 0x600...0xffff, example: example) else { return nil }
        let names = [
            0x800: "IPv4, which is judged anyway", 0x806: "ARP, which is judged anyway", 0x86dd: "IPv6, which is judged anyway",
            0x8100: "a VLAN tag: see vlans", 0x88a8: "a service VLAN tag", 0x9100: "a service VLAN tag",
        ]
        if let name = names[number] {
            faults.report(
                "0x\(String(number, radix: 16)) can't be listed: it is \(name)", at: value.location,
                write: "other EtherTypes only, such as 0x88cc")
            return nil
        }
        return Located(value: UInt16(number), location: value.location)
    }

    // MARK: Limits

    private func limits(_ value: YAMLValue) -> LimitSettings {
        var limits = LimitSettings()
        if value.isNull { return limits }
        let example = "limits: {broadcast: {rate: 2000, burst: 4000}, neighbor: {rate: 1000, burst: 4000}}"
        guard let fields = fields(value, "limits", keys: ["broadcast", "neighbor"], example: example) else { return limits }
        (limits.broadcastRate, limits.broadcastBurst) = bucket(fields["broadcast"], "broadcast")
        (limits.neighborRate, limits.neighborBurst) = bucket(fields["neighbor"], "neighbor")
        return limits
    }

    private func bucket(_ value: YAMLValue?, _ name: String) -> (rate: UInt32?, burst: UInt32?) {
        let example = "\(name): {rate: 2000, burst: 4000}"
        guard let value, let fields = fields(value, "limit \(name)", keys: ["rate", "burst"], example: example) else { return (nil, nil) }
        let bounds = 0...1_000_000_000
        let rate = fields["rate"].flatMap { number($0, "rate", in: bounds, example: "rate: 2000 (frames a second)") }
        var burst = fields["burst"].flatMap { number($0, "burst", in: bounds, example: "burst: 4000 (frames)") }
        if burst == 0, rate != 0, fields["rate"] == nil || rate != nil {
            faults.report(
                "a burst of 0 lets nothing pass", at: fields.location(of: "burst"), write: "rate: 0 for no limit, or a burst of at least 1")
            burst = nil
        }
        return (rate.map { UInt32($0) }, burst.map { UInt32($0) })
    }
}
