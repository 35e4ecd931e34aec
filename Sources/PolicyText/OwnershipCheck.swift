import Addresses

/// Whose each address and MAC of one bridge is: nobody's twice (policy.md, Terms: owner).
///
/// Prefixes either contain one another or are apart. So all are sorted by first address, the wider first, and walked
/// once with a stack of those that contain the present one: n log n, at most 129 deep.
struct OwnershipCheck {
    let bridge: BridgeDraft
    let interfaces: [InterfaceDraft]
    let faults: Faults

    /// Who holds an address or MAC.
    private enum Holder: Equatable {
        /// A guest's interface, by its index.
        case own(Int)
        /// A guest's interface by its MAC: the EUI-64 link-local address, which nobody wrote.
        case derived(Int)
        /// A virtual router: whoever takes part in it, by its MAC.
        case virtual(MACAddress, Int)
        case reserved(String)
    }

    private struct Claim {
        var prefix: IPPrefix
        var holder: Holder
        var location: SourceLocation
        /// Place in the order of the policy, so that the later of two is the wrong one.
        var order: Int
    }

    func run() {
        checkMACs()
        checkAddresses()
    }

    // MARK: MACs

    private func checkMACs() {
        var claims: [MACAddress: (holder: Holder, place: SourceLocation)] = [:]
        func claim(_ mac: Located<MACAddress>, _ holder: Holder) {
            guard let other = claims[mac.value] else {
                claims[mac.value] = (holder, mac.location)
                return
            }
            if case .virtual = other.holder, case .virtual = holder { return }
            let message = "MAC \(mac.value) \(belongs(to: other.holder, seenFrom: holder)) (\(other.place.place))"
            faults.report(message, at: mac.location, write: "a MAC that is nobody else's on bridge \(bridge.name.value)")
        }
        for mac in bridge.gatewayMACs where claims[mac.value] == nil {
            claims[mac.value] = (.reserved("a gateway's of bridge \(bridge.name.value)"), mac.location)
        }
        for mac in bridge.reservedMACs where claims[mac.value] == nil {
            claims[mac.value] = (.reserved("reserved on bridge \(bridge.name.value)"), mac.location)
        }
        for (index, interface) in interfaces.enumerated() {
            for mac in interface.macs { claim(mac, .own(index)) }
            for router in interface.settings.virtualRouters ?? [] { claim(router.mac, .virtual(router.mac.value, index)) }
        }
    }

    // MARK: Addresses

    private func checkAddresses() {
        let claims = allClaims().sorted { ($0.prefix, $0.order) < ($1.prefix, $1.order) }
        var around: [Claim] = []
        for claim in claims {
            while let last = around.last, !last.prefix.contains(claim.prefix) { around.removeLast() }
            if let other = around.last(where: { collide($0.holder, claim.holder) }) {
                report(claim, other)
            } else if let other = around.last, case .own(let mine) = claim.holder, other.holder == .own(mine), other.prefix != claim.prefix {
                let message = "\(claim.prefix) lies within \(other.prefix) of the same interface (\(other.location.place))"
                faults.warn(message, at: claim.location, write: "\(other.prefix) alone")
            }
            if around.last?.prefix != claim.prefix { around.append(claim) }
        }
    }

    private func allClaims() -> [Claim] {
        var claims: [Claim] = []
        func add(_ prefix: IPPrefix, _ holder: Holder, _ location: SourceLocation) {
            claims.append(Claim(prefix: prefix, holder: holder, location: location, order: claims.count))
        }
        let name = bridge.name.value
        for gateway in bridge.gateways { add(IPPrefix(gateway.value), .reserved("a gateway of bridge \(name)"), gateway.location) }
        for reserved in bridge.reserved { add(reserved.value, .reserved("reserved on bridge \(name)"), reserved.location) }
        for subnet in bridge.subnets {
            guard let broadcast = subnet.value.broadcast else { continue }
            let (network, last) = (IPPrefix(.v4(subnet.value.first)), IPPrefix(.v4(broadcast)))
            add(network, .reserved("the network address of subnet \(subnet.value)"), subnet.location)
            add(last, .reserved("the broadcast address of subnet \(subnet.value)"), subnet.location)
        }
        for (index, interface) in interfaces.enumerated() {
            for address in interface.settings.addresses ?? [] { add(address.value, .own(index), address.location) }
            for address in interface.settings.linkLocals ?? [] { add(IPPrefix(.v6(address.value)), .own(index), address.location) }
            for router in interface.settings.virtualRouters ?? [] {
                add(IPPrefix(router.address.value), .virtual(router.mac.value, index), router.address.location)
            }
            for mac in interface.macs { add(IPPrefix(.v6(mac.value.eui64LinkLocal)), .derived(index), mac.location) }
        }
        return claims
    }

    private func collide(_ one: Holder, _ other: Holder) -> Bool {
        switch (one, other) {
        case (.reserved, .reserved), (.derived, .derived): false
        case (.own(let one), .own(let other)): one != other
        case (.own(let own), .derived(let derived)), (.derived(let derived), .own(let own)): own != derived
        case (.virtual(let one, _), .virtual(let other, _)): one != other
        default: true
        }
    }

    /// At the later of two, or at the guest's where the other is reserved.
    private func report(_ one: Claim, _ two: Claim) {
        var (wrong, other) = one.order > two.order ? (one, two) : (two, one)
        if case .reserved = wrong.holder { swap(&wrong, &other) }
        let relation =
            if wrong.prefix == other.prefix {
                ""
            } else if other.prefix.contains(wrong.prefix) {
                "lies within \(other.prefix), which "
            } else {
                "contains \(other.prefix), which "
            }
        let subject =
            if case .derived = wrong.holder { "\(wrong.prefix), the EUI-64 link-local address of this MAC," } else { "\(wrong.prefix)" }
        let message = "\(subject) \(relation)\(belongs(to: other.holder, seenFrom: wrong.holder)) (\(other.location.place))"
        faults.report(message, at: wrong.location, write: advice(for: wrong, other))
    }

    private func advice(for wrong: Claim, _ other: Claim) -> String {
        switch (wrong.holder, other.holder) {
        case (.virtual, .virtual): "the same pair of MAC and address with every guest that takes part"
        case (.own(let one), .virtual(_, let two)) where one == two: "it under vrrp alone"
        case (.virtual(_, let one), .own(let two)) where one == two: "it under vrrp alone"
        default: "an address that is nobody else's on bridge \(bridge.name.value)"
        }
    }

    private func belongs(to holder: Holder, seenFrom other: Holder) -> String {
        func guest(_ index: Int) -> String { quoted(interfaces[index].guest) }
        switch holder {
        case .own(let index): return "belongs to guest \(guest(index)) already"
        case .derived(let index): return "is the EUI-64 link-local address of a MAC of guest \(guest(index))"
        case .virtual(let mac, let index):
            if case .virtual = other { return "belongs to the virtual router \(mac) of guest \(guest(index))" }
            return "belongs to a virtual router of guest \(guest(index))"
        case .reserved(let what): return "is \(what)"
        }
    }
}
