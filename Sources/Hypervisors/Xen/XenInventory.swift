import Policy
import PolicyText
import Reporting

extension Inventory {
    /// xl's bridge, where a vif names none (libxl_nic.c).
    private static let usualBridge = "xenbr0"

    /// The guests of a Xen host by their configurations: those that have a name, a MAC and an address.
    ///
    /// - Throws: `CardError` if the folder can't be read; what is wrong with one file is a note.
    public init(xen files: XenConfigurationFiles) throws(CardError) {
        self.init()
        for file in try files.all() {
            do throws(CardError) {
                add(try XenConfiguration(try file.bytes.get(), file: file.path), file.path)
            } catch {
                notes.append("\(error): left out")
            }
        }
    }

    private mutating func add(_ configuration: XenConfiguration, _ path: String) {
        guard let guest = configuration.name else {
            notes.append("\(path.visible) says no name: left out")
            return
        }
        for (number, vif) in configuration.vifs.enumerated() {
            let what = "guest \(guest.visible), vif \(number) in \(path.visible)"
            guard let mac = vif.mac else {
                notes.append("\(what): no mac=, so Xen makes one up at each start; write one, and then the guest here")
                continue
            }
            do throws(CardError) {
                let addresses = try Self.addresses(configuration, vif, number, path)
                guard !addresses.isEmpty else {
                    notes.append("\(what) with \(mac.visible): no ip= and no #ipv6=; write its addresses here")
                    continue
                }
                interfaces.append(try Self.interface(guest, vif.bridge ?? Self.usualBridge, mac, addresses))
            } catch {
                notes.append("\(what): \(error): left out")
            }
        }
    }

    private static func addresses(
        _ configuration: XenConfiguration, _ vif: XenVIFSpecification, _ number: Int, _ path: String
    ) throws(CardError) -> [String] {
        var addresses = try XenAddresses.read(vif.ip ?? "", source: "ip=").map(\.text)
        for comment in number == 0 ? configuration.ipv6Comments : [] {
            addresses += try XenAddresses.read(comment.text, allowsIPv4: false, source: "#ipv6= in line \(comment.line)").map(\.text)
        }
        return addresses.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private static func interface(_ guest: String, _ bridge: String, _ mac: String, _ addresses: [String]) throws(CardError) -> GuestInterface {
        do throws(ConfigurationErrors) {
            let stated = StatedInterface(port: "vif1.0", bridge: bridge, macs: [mac], addresses: addresses)
            var interface = try stated.interface(guest: guest, origin: .policy).interface
            interface.port = nil
            return interface
        } catch {
            throw CardError(error.withoutPlaces)
        }
    }
}
