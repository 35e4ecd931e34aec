import Addresses
import Enforcement
import Policy
import PolicyText
import Reporting

/// One network card of a guest as its hypervisor describes it: text, none of it believed yet.
public struct GuestCard: Sendable, Hashable {
    /// An address, a prefix, or `dhcp`, and who says so, for people: such as "ip= of the vif".
    public struct Statement: Sendable, Hashable {
        public var text: String
        public var source: String

        public init(_ text: String, source: String) {
            self.text = text
            self.source = source
        }
    }

    /// The guest's name.
    public var guest: String
    /// What else a policy may call it: its UUID.
    public var uuid: String?
    /// The port's interface name.
    public var port: String
    public var bridge: String
    public var mac: String
    public var addresses: [Statement]
    public var origin: Origin

    public init(
        guest: String, uuid: String? = nil, port: String, bridge: String, mac: String, addresses: [Statement] = [], origin: Origin
    ) {
        self.guest = guest
        self.uuid = uuid
        self.port = port
        self.bridge = bridge
        self.mac = mac
        self.addresses = addresses
        self.origin = origin
    }
}

extension GuestCard {
    /// What the card is to be bound to, and who stated that.
    public struct Resolution: Sendable, Hashable {
        public var interface: GuestInterface
        public var bridge: BridgePolicy
        /// A policy file names this card; what the hypervisor says of its addresses doesn't count then.
        public var isStatedByPolicy: Bool
    }

    /// The policy's word on this card if it has one (its guest, by name or UUID, with this MAC), otherwise the hypervisor's
    /// under the policy's defaults. A guest is known by its name and a card by its MAC, never by the port's name: `vif7.0`
    /// is another guest's after the next reboot.
    ///
    /// - Throws: `CardError` if the bridge isn't the policy's, the MAC or an address is another guest's there, the policy has the card on
    ///   another bridge, or anything is missing or isn't what it should be.
    public func interface(under configuration: HostConfiguration) throws(CardError) -> Resolution {
        let (bridge, mac) = try place(in: configuration)
        if let stated = try interfaceStated(by: configuration) { return stated }
        guard !addresses.isEmpty else {
            throw CardError("nothing says which addresses guest \(guest.visible) may use with \(mac): \(remedy)")
        }
        let card = StatedInterface(port: port, bridge: bridge.name, macs: [mac.description], addresses: addresses.map(\.text))
        var interface: GuestInterface
        do throws(ConfigurationErrors) {
            interface = try card.interface(guest: guest, origin: origin).interface
        } catch {
            throw CardError(error.withoutPlaces)
        }
        interface.binding = configuration.policy.defaults.applied(to: interface.binding)
        // The kernel's tables know whose an address is while its guest runs; the policy's guests keep theirs when they don't.
        for other in configuration.policy.interfaces where other.bridge == bridge.name {
            guard let shared = interface.binding.sharedIdentity(with: other.binding) else { continue }
            throw CardError("\(shared) is guest \(other.binding.guest.visible)'s in the policy: give guest \(guest.visible) another")
        }
        return Resolution(interface: interface, bridge: bridge, isStatedByPolicy: false)
    }

    /// The policy's word on this card alone; nil if it has none. What the hypervisor says of addresses needn't be read then.
    ///
    /// - Throws: as `interface(under:)`.
    public func interfaceStated(by configuration: HostConfiguration) throws(CardError) -> Resolution? {
        let (bridge, mac) = try place(in: configuration)
        return try stated(mac, in: configuration.policy).map { Resolution(interface: $0, bridge: bridge, isStatedByPolicy: true) }
    }

    private func place(in configuration: HostConfiguration) throws(CardError) -> (BridgePolicy, MACAddress) {
        guard let bridge = configuration.policy.bridges.first(where: { $0.name == self.bridge }) else {
            throw CardError("bridge \(self.bridge.visible) isn't in the policy: name it there, and 'vifguard apply'")
        }
        guard let mac = MACAddress(self.mac) else {
            throw CardError("\(self.mac.visible) is no MAC: write six pairs of hexadecimal digits, such as 00:16:3e:38:b4:ac")
        }
        return (bridge, mac)
    }

    private func stated(_ mac: MACAddress, in policy: HostPolicy) throws(CardError) -> GuestInterface? {
        let holders = policy.interfaces.filter { $0.binding.macs.contains(mac) }
        let own = holders.filter { $0.binding.guest == guest || $0.binding.guest == uuid }
        if let here = own.first(where: { $0.bridge == bridge }) { return here }
        if let elsewhere = own.first {
            throw CardError("the policy has \(mac) of guest \(guest.visible) on bridge \(elsewhere.bridge.visible), not on \(bridge.visible)")
        }
        if let other = holders.first(where: { $0.bridge == bridge }) {
            throw CardError("\(mac) is guest \(other.binding.guest.visible)'s in the policy: give this guest a MAC of its own")
        }
        return nil
    }

    private var remedy: String {
        switch origin {
        case .xen: "write ip= into its vif, or the guest into the policy"
        case .libvirt: "write <parameter name='IP' value='…'/> into its interface, or the guest into the policy"
        case .policy, .manual, .fleet: "write the guest into the policy"
        }
    }
}

/// Why a card isn't bound: what is wrong, and what to do.
public struct CardError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
