import Addresses
import Foundation
import Hypervisors
import Policy
import PolicyText
import Testing

/// A first policy out of libvirt's definitions.
@Suite struct LibvirtInventoryTests {
    private func read(_ files: [String: String]) throws -> Inventory {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-libvirt-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        return try LibvirtInventory.read(folder: folder.path)
    }

    private func domain(_ name: String, _ cards: String...) -> String {
        "<!-- by libvirt -->\n<domain type='kvm'>\n<name>\(name)</name><devices>\(cards.joined())</devices></domain>"
    }

    private func card(_ tail: Int, _ source: String, _ addresses: String...) -> String {
        let parameters = addresses.map { "<parameter name='\($0.contains(":") ? "IPV6" : "IP")' value='\($0)'/>" }.joined()
        return "<interface type='\(source.hasPrefix("network") ? "network" : "bridge")'><mac address='52:54:00:00:00:0\(tail)'/>"
            + "<source \(source)/><filterref filter='f'>\(parameters)</filterref></interface>"
    }

    @Test func cardsOnBridgesAreTaken() throws {
        let inventory = try read([
            "www.xml": domain("www", card(1, "bridge='br0'", "192.0.2.7", "2001:db8::7"), card(2, "network='lan'", "198.51.100.7")),
            "mail.xml": domain("mail", card(3, "bridge='br0'", "192.0.2.8")),
            "networks/lan.xml": "<network><name>lan</name><forward mode='bridge'/><bridge name='br1'/></network>",
            "networks/autostart/lan.xml": "not looked at", "notes.txt": "not looked at", ".hidden.xml": "not looked at",
        ])
        #expect(inventory.notes == [])
        #expect(inventory.interfaces.map(\.binding.guest) == ["mail", "www", "www"])
        #expect(inventory.interfaces.map(\.bridge) == ["br0", "br0", "br1"])
        #expect(inventory.interfaces.allSatisfy { $0.port == nil && $0.binding.origin == .policy })
        #expect(inventory.interfaces[1].binding.addresses4 == [IPv4Prefix("192.0.2.7")])
        #expect(inventory.interfaces[1].binding.addresses6 == [IPv6Prefix("2001:db8::7")])
        // What comes of it is a policy.
        let policy = HostPolicy(bridges: [BridgePolicy(name: "br0"), BridgePolicy(name: "br1")], interfaces: inventory.interfaces)
        let again = try PolicyFiles.parse(PolicyWriter.yaml(for: HostConfiguration(policy: policy)), file: "policy.yaml")
        #expect(Set(again.policy.interfaces) == Set(inventory.interfaces))
    }

    @Test func whatIsMissingIsANoteAndLeftOut() throws {
        let inventory = try read([
            "a.xml": domain("a", card(1, "bridge='br0'", "192.0.2.7"), card(2, "bridge='br0'"), card(3, "network='nowhere'", "192.0.2.9")),
            "b.xml": domain("b", card(4, "bridge='br0'", "192.0.2.7"), card(5, "bridge='br1'", "192.0.2.7")),
            "c.xml": domain("c", card(1, "bridge='br0'", "192.0.2.10"), card(6, "bridge='br0'", "192.0.2.300")),
            "d.xml": "<domain><name>d</name>",
            "e.xml": domain("e", "<interface type='direct'><mac address='52:54:00:00:00:08'/><source dev='eth0'/></interface>"),
            "networks/n.xml": "<network/>",
        ])
        #expect(inventory.interfaces.map(\.binding.guest) == ["a", "b"])
        for (place, why) in [
            ("guest a, card 52:54:00:00:00:02", "nothing says which addresses"), ("guest a, card 52:54:00:00:00:03", "its network nowhere"),
            ("guest b, card 52:54:00:00:00:04", "192.0.2.7 is guest a's already"),
            ("guest c, card 52:54:00:00:00:01", "MAC 52:54:00:00:00:01 is guest a's already"), ("guest c, card 52:54:00:00:00:06", "192.0.2.300"),
            ("d.xml", "line 1: <domain> isn't closed"), ("guest e, card 52:54:00:00:00:08", "of type direct"),
            ("networks/n.xml", "no network of libvirt's"),
        ] {
            #expect(inventory.notes.contains { $0.contains(place) && $0.contains(why) }, "\(place): \(why): \(inventory.notes)")
        }
        #expect(inventory.notes.count == 8)
    }

    @Test func withoutAFolderThereIsNothing() throws {
        #expect(try LibvirtInventory.read(folder: "/nonexistent") == Inventory())
        // Not the same as one that can't be looked into: root can be kept out by what is no folder alone.
        #expect(throws: CardError.self) { try LibvirtInventory.read(folder: #filePath) }
    }
}
