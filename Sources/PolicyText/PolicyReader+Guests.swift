import Addresses
import Policy

/// `guests: NAME: {interfaces: [...]}`.
extension PolicyReader {
    private static let interfaceOnlyKeys = ["port", "bridge", "mac", "macs"]
    private static let interfaceExample = "interfaces: [{port: vif1.0, bridge: xenbr0, mac: 00:16:3e:38:b4:ac, addresses: [192.0.2.7]}]"

    func readGuests(_ value: YAMLValue, into draft: inout PolicyDraft) {
        let example = "guests: {www: {\(Self.interfaceExample)}}"
        for (key, value) in entries(value, "guests", example: example) ?? [] {
            readGuest(key, value, into: &draft)
        }
    }

    func readGuest(_ key: Located<String>, _ value: YAMLValue, into draft: inout PolicyDraft) {
        let name = guestName(key)
        let shown = "guest \(quoted(key.value))"
        if let name { draft.guests.append(name) }
        let keys = ["interfaces"] + Self.settingKeys
        var elsewhere: [String: String] = [:]
        for key in Self.interfaceOnlyKeys {
            elsewhere[key] = "\(key) with the guest's interface: - port: vif1.0 and its keys under interfaces:"
        }
        guard let fields = fields(value, shown, keys: keys, example: Self.interfaceExample, elsewhere: elsewhere) else { return }
        let shared = settings(fields).over(draft.defaults)
        guard let value = fields["interfaces"] else {
            faults.report("\(shown) has no interfaces", at: key.location, write: Self.interfaceExample)
            return
        }
        guard let list = list(value, "interfaces", example: Self.interfaceExample) else { return }
        if list.isEmpty { faults.report("\(shown) has no interfaces", at: value.location, write: Self.interfaceExample) }
        for item in list {
            if let interface = interface(item, of: key.value, shared: shared) { draft.interfaces.append(interface) }
        }
    }

    private func interface(_ value: YAMLValue, of guest: String, shared: Settings) -> InterfaceDraft? {
        let what = "an interface of guest \(quoted(guest))"
        let keys = Self.interfaceOnlyKeys + Self.settingKeys
        guard let fields = fields(value, what, keys: keys, example: Self.interfaceExample) else { return nil }
        let settings = settings(fields).over(shared)
        checkAddresses(of: settings, fields: fields, what)
        checkLimits(of: settings, fields: fields, what)
        let macs = macs(fields, what)
        let port = fields["port"].flatMap { value in
            text(value, "port", example: "port: vif1.0").flatMap { interfaceName($0, "a port") }
        }
        guard let value = fields["bridge"] else {
            faults.report("\(what) has no bridge", at: fields.location, write: "bridge: and the name of the bridge the port belongs to")
            return nil
        }
        guard let bridge = text(value, "bridge", example: "bridge: xenbr0") else { return nil }
        return InterfaceDraft(guest: guest, location: fields.location, port: port, bridge: bridge, macs: macs ?? [], settings: settings)
    }

    /// `mac: …` or `macs: […]`; nil where they have been reported.
    private func macs(_ fields: Fields, _ what: String) -> [Located<MACAddress>]? {
        let example = "mac: 00:16:3e:38:b4:ac"
        switch (fields["mac"], fields["macs"]) {
        case (let single?, nil):
            return mac(single, "a guest's MAC").map { [$0] }
        case (nil, let several?):
            let line = "macs: [00:16:3e:38:b4:ac, 00:16:3e:38:b4:ad]"
            let macs = items(several, "macs", example: line, atMost: 4) { mac($0, "a guest's MAC") }
            if case .list(let list) = several.content, !list.isEmpty || macs == nil { return macs }
            if macs != nil { faults.report("\(what) has no MAC", at: several.location, write: example) }
            return nil
        case (nil, nil):
            faults.report("\(what) has no MAC", at: fields.location, write: example)
            return nil
        case (_?, _?):
            faults.report("both mac and macs are given", at: fields.location(of: "macs"), write: "all of them under macs")
            return nil
        }
    }

    private func checkAddresses(of settings: Settings, fields: Fields, _ what: String) {
        guard !settings.isFaulty, settings.addresses?.isEmpty != false, settings.usesDHCP != true,
            settings.linkLocals?.isEmpty != false
        else { return }
        let place = fields["addresses"]?.location ?? fields.location
        faults.report("\(what) has no address", at: place, write: "addresses: [192.0.2.7, \"2001:db8::7\"], or addresses: [dhcp]")
    }

    /// A burst of 0 from the defaults under a rate that is not from there.
    private func checkLimits(of settings: Settings, fields: Fields, _ what: String) {
        let limits = settings.limits.limits
        for (name, rate, burst) in [
            ("broadcast", limits.broadcastRate, limits.broadcastBurst), ("neighbor", limits.neighborRate, limits.neighborBurst),
        ] where rate > 0 && burst == 0 {
            let message = "\(what) has a \(name) limit with a burst of 0, which lets nothing pass"
            faults.report(message, at: fields.location(of: "limits"), write: "limits: {\(name): {rate: \(rate), burst: \(rate)}}")
        }
    }
}
