import Addresses
import Policy

extension Binding {
    /// The same binding in the one form that reading back from the kernel gives: lists that are sets are sorted, nothing
    /// is there twice, link-local addresses are in `linkLocals`, and an address that the binding has as a virtual
    /// router's isn't listed again. Two bindings that let the same frames pass for these reasons compare equal then.
    public var normalized: Binding {
        var binding = self
        binding.macs = macs.withoutRepeats
        var linkLocals = Set(linkLocals)
        var own6 = Set(addresses6)
        for prefix in addresses6 where prefix.isSingle && prefix.address.isLinkLocal {
            own6.remove(prefix)
            linkLocals.insert(prefix.address)
        }
        var own4 = Set(addresses4)
        for router in virtualRouters {
            switch router.address {
            case .v4(let address): own4.remove(IPv4Prefix(address))
            case .v6(let address):
                own6.remove(IPv6Prefix(address))
                linkLocals.remove(address)
            }
        }
        binding.addresses4 = own4.sorted()
        binding.addresses6 = own6.sorted()
        binding.linkLocals = linkLocals.sorted()
        binding.vlans = Set(vlans).sorted()
        binding.virtualRouters = virtualRouters.withoutRepeats
        binding.etherTypes = etherTypes.withoutRepeats
        return binding
    }
}

extension Array where Element: Hashable {
    /// Each element once, where it came first.
    var withoutRepeats: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
