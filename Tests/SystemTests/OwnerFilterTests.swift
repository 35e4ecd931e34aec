import Addresses
import Lab
import Netlink
import Packets
import Policy
import Testing

@testable import Datapath

/// The bitmap that saves the programs most look-ups of owners: with a bit too few a hijack passes unseen.
@Suite(.timeLimit(.minutes(2)))
struct OwnerFilterTests {
    private static let binding = DatapathFixture.binding(5)
    private static let stranger = MACAddress(2, 0, 0, 0, 0, 9)
    private static let far = IPv4Address(198, 51, 100, 1)

    /// From the guest's MAC, its IPv4 and its IPv6 address.
    private static let hijacks: [Frame] = [
        .ethernet(from: binding.macs[0], to: .broadcast, .ipv4(from: far, to: .broadcast, .udp(from: 1, to: 2))),
        .ethernet(from: stranger, to: .broadcast, .ipv4(from: binding.addresses4[0].address, to: .broadcast, .udp(from: 1, to: 2))),
        .ethernet(from: stranger, to: .broadcast, .ipv6(from: binding.addresses6[0].address, to: IPv6Address("ff02::1")!, .udp(from: 1, to: 2))),
    ]

    private static func reserved() -> OwnerTable {
        var table = OwnerTable()
        table.reserve(binding.macs[0])
        for prefix in binding.prefixes { table.reserve(prefix) }
        return table
    }

    @Test(arguments: [false, true])
    func `what was reserved and is a guest's now is missed nowhere, by apply's way of writing and hot-plug's`(isHotplug: Bool) throws {
        try Self.withUplink { datapath, uplink in
            let run = try datapath.testRun()
            func reasons() throws -> [Reason?] {
                try Self.hijacks.map { try run.run(.fromUplink, .init($0.bytes, at: uplink.index, receivedOn: uplink.index)).reason }
            }
            try datapath.write(Self.reserved(), bridge: uplink.bridgeIndex)
            #expect(try reasons() == [nil, nil, nil])
            var table = OwnerTable()
            table.add(Self.binding, port: 99)
            if isHotplug {
                let present = try datapath.owners(overlapping: table, bridge: uplink.bridgeIndex)
                try datapath.write(table, over: present, bridge: uplink.bridgeIndex)
            } else {
                try datapath.write(table, bridge: uplink.bridgeIndex)
            }
            #expect(try reasons() == [.uplinkGuestMAC, .uplinkGuestAddress, .uplinkGuestAddress])
        }
    }

    @Test func `what is reserved, as the gateway, costs no look-up`() throws {
        try Self.withUplink { datapath, uplink in
            func bits() throws -> Int {
                let words = try MappedArray(datapath.maps.ownerFilter)
                return (0..<words.count).reduce(0) { $0 + words.pointer($1).pointee.nonzeroBitCount }
            }
            var table = Self.reserved()
            try datapath.write(table, bridge: uplink.bridgeIndex)
            #expect(try bits() == 0)
            // A MAC, its EUI-64 address, and two more.
            table.add(DatapathFixture.binding(6), port: nil)
            try datapath.write(table, bridge: uplink.bridgeIndex)
            #expect(try bits() == 4)
        }
    }

    private static func withUplink(_ body: @Sendable (Datapath, Port) throws -> Void) throws {
        let namespace = try NetworkNamespace("filter")
        try namespace.run {
            let datapath = try ObjectUnderTest.load()
            let uplink = try DatapathFixture.makePorts(["up0"])[0]
            try datapath.guardUplink(uplink, mode: .enforce)
            try body(datapath, uplink)
        }
    }
}

extension Binding {
    fileprivate var prefixes: [IPPrefix] { addresses4.map { .v4($0) } + addresses6.map { .v6($0) } }
}
