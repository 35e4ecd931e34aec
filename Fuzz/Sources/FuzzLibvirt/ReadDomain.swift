import Addresses
import Hypervisors
import Policy
import PolicyText

private let configuration: HostConfiguration = {
    do {
        return try PolicyFiles.parse(
            "bridges: {br0: {gateways: [192.0.2.1]}}\nguests: {named: {interfaces: [{bridge: br0, mac: \"52:54:00:aa:00:05\", addresses: [192.0.2.5]}]}}",
            file: "policy.yaml")
    } catch { preconditionFailure("\(error)") }
}()

/// Any bytes are a domain, or say why they aren't; each of its cards is bound, or says why it isn't.
func readDomain(_ input: [UInt8]) {
    do throws(CardError) {
        let domain = try LibvirtDomain(input)
        precondition(!domain.name.isEmpty, "a domain has a name")
        for interface in domain.interfaces { readInterface(interface, of: domain) }
    } catch {
        check(error)
    }
}

private func readInterface(_ interface: LibvirtDomain.Interface, of domain: LibvirtDomain) {
    if let fault = interface.fault { check(CardError(fault)) }
    guard case .bridge(let bridge) = interface.source else { return }
    let card = GuestCard(
        guest: domain.name, uuid: domain.uuid, port: interface.target ?? "vnet0", bridge: bridge, mac: interface.mac,
        addresses: interface.addresses, origin: .libvirt)
    do throws(CardError) {
        let found = try card.interface(under: configuration)
        let binding = found.interface.binding
        precondition(found.interface.bridge == bridge && binding.macs == [MACAddress(interface.mac)].compactMap(\.self), "it is this card")
        precondition(found.isStatedByPolicy || binding.guest == domain.name && binding.origin == .libvirt, "and this guest's")
        let isOthers = binding.addresses4.contains { $0.contains(IPv4Address(192, 0, 2, 5)) }
        precondition(found.isStatedByPolicy || !isOthers, "with nobody else's address")
    } catch {
        check(error)
    }
}

private func check(_ error: CardError) {
    precondition(!error.description.isEmpty, "a refusal says why")
    let shown = error.description.unicodeScalars
    precondition(shown.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }, "no message steers a terminal")
}
