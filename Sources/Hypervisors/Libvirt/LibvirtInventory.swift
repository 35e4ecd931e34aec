import Addresses
import Enforcement
import Policy
import PolicyText
import Reporting

/// The guests that libvirt has definitions of, for a first policy.
public enum LibvirtInventory {
    public static let defaultFolder = "/etc/libvirt/qemu"

    /// - Parameter folder: the definitions of guests, `NAME.xml`, and in `networks` below it those of networks.
    /// - Returns: each card on a bridge whose addresses are stated; what isn't taken is a note. Nothing in it conflicts with
    ///   anything else in it.
    /// - Throws: `CardError` if a folder can't be read.
    public static func read(folder: String = defaultFolder) throws(CardError) -> Inventory {
        var inventory = Inventory()
        let bridges = try bridgesOfNetworks(in: folder + "/networks", &inventory)
        for name in try DomainFile.names(in: folder) {
            do throws(CardError) {
                let domain = try LibvirtDomain(try DomainFile.read("\(folder)/\(name)"))
                for card in domain.interfaces { add(card, of: domain, bridges, &inventory) }
            } catch {
                inventory.notes.append("\(folder)/\(name.visible): left out: \(error)")
            }
        }
        return inventory
    }

    private static func add(
        _ card: LibvirtDomain.Interface, of domain: LibvirtDomain, _ bridges: [String: String], _ inventory: inout Inventory
    ) {
        let place = "guest \(domain.name.visible), card \(card.mac.isEmpty ? "without a MAC" : card.mac.visible)"
        do throws(CardError) {
            let bridge: String
            switch card.source {
            case .bridge(let name): bridge = name
            case .network(let network):
                guard let name = bridges[network] else {
                    throw CardError("nothing says which bridge its network \(network.visible) has: look at 'virsh net-dumpxml', and write it here")
                }
                bridge = name
            case .other(let kind):
                throw CardError("it is of type \(kind.visible), which is no port of a bridge: nothing here guards it")
            }
            let interface = try interface(card, of: domain, on: bridge)
            if let shared = inventory.interfaces.lazy.filter({ $0.bridge == bridge }).compactMap({ other in
                interface.binding.sharedIdentity(with: other.binding).map { ($0, other.binding.guest) }
            }).first {
                throw CardError("\(shared.0) is guest \(shared.1.visible)'s already: give one of the two another")
            }
            inventory.interfaces.append(interface)
        } catch {
            inventory.notes.append("\(place): left out: \(error)")
        }
    }

    private static func interface(_ card: LibvirtDomain.Interface, of domain: LibvirtDomain, on bridge: String) throws(CardError) -> GuestInterface {
        if let fault = card.fault { throw CardError(fault) }
        guard !card.mac.isEmpty else { throw CardError("libvirt gives it one when it is defined anew: 'virsh edit', and leave it as it is") }
        guard !card.addresses.isEmpty else {
            throw CardError("nothing says which addresses it may use: write them here, or <parameter name='IP' value='…'/> in its <filterref>")
        }
        // A tap has another name each time: it is found by the MAC.
        let stated = StatedInterface(port: "vnet0", bridge: bridge, macs: [card.mac], addresses: card.addresses.map(\.text))
        do throws(ConfigurationErrors) {
            var interface = try stated.interface(guest: domain.name, origin: .policy).interface
            interface.port = nil
            return interface
        } catch {
            throw CardError(error.withoutPlaces)
        }
    }

    // MARK: Files

    /// A network of forward mode `bridge` names a bridge of the host's, others the one that libvirt makes.
    private static func bridgesOfNetworks(in folder: String, _ inventory: inout Inventory) throws(CardError) -> [String: String] {
        var bridges: [String: String] = [:]
        for file in try DomainFile.names(in: folder) {
            do throws(CardError) {
                let network = try LibvirtNetwork(try DomainFile.read("\(folder)/\(file)"))
                bridges[network.name] = network.bridge
            } catch {
                inventory.notes.append("\(folder)/\(file.visible): \(error)")
            }
        }
        return bridges
    }
}

/// A network of libvirt's (https://libvirt.org/formatnetwork.html).
private struct LibvirtNetwork {
    var name: String
    var bridge: String?

    init(_ bytes: [UInt8]) throws(CardError) {
        let root: Markup
        do throws(MarkupError) { root = try MarkupReader.read(bytes) } catch { throw CardError("its XML can't be read: \(error)") }
        guard root.name == "network", let name = try root.only("name")?.trimmed else { throw CardError("it is no network of libvirt's") }
        self.name = name
        bridge = try root.only("bridge")?.attributes["name"]
    }
}
