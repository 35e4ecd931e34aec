import Addresses
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ForwardingDatabaseTests {
    let first = MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)
    let second = MACAddress(0x00, 0x16, 0x3e, 0, 0, 2)
    let network: BridgedNetwork

    init() throws { network = try BridgedNetwork(guests: [first, second]) }

    private func entry(of address: MACAddress) throws -> ForwardingDatabase.Entry? {
        try network.host.run { try ForwardingDatabase.entries(of: network.bridgeIndex).first { $0.macAddress == address } }
    }

    /// A broadcast frame of an EtherType nobody uses (IEEE 802: 0x88b5 is for experiments).
    private func broadcast(from source: MACAddress) -> [UInt8] {
        MACAddress.broadcast.bytes + source.bytes + [0x88, 0xb5] + [UInt8](repeating: 0, count: 46)
    }

    /// Sends the frame, and waits until it is past the bridge.
    private func send(_ frame: [UInt8], from guest: Station) throws {
        let sniffer = try network.outside.sniffer()
        try guest.sender().send(frame)
        _ = try #require(try sniffer.first { $0.bytes == frame })
    }

    @Test func `the bridge learns where a guest is, and the entry says so`() throws {
        #expect(try entry(of: first) == nil)
        try send(broadcast(from: first), from: network.guests[0])
        let entry = try #require(try entry(of: first))
        #expect(entry.port == network.guests[0].portIndex && entry.bridge == network.bridgeIndex)
        #expect(entry.lifetime == .learned && !entry.isSticky && !entry.isExternallyLearned)
    }

    @Test func `a sticky entry is as bridge would have written it`() throws {
        let port = network.guests[0].portIndex
        try network.host.run { try ForwardingDatabase.replaceSticky([first, second], on: port) }
        let entry = try #require(try entry(of: second))
        #expect(entry.port == port && entry.lifetime == .fixed && entry.isSticky)
        let seen = try JSONOutput(["bridge", "-j", "fdb", "show", "br", "br0", "dev", "vif1.0"], in: network.host)
        let line = try #require(seen.objects.first { $0["mac"] as? String == "00:16:3e:00:00:02" })
        #expect(line["state"] as? String == "static")
        #expect((line["flags"] as? [String])?.contains("sticky") == true)
        #expect(line["master"] as? String == "br0")
    }

    @Test func `an entry that bridge wrote reads the same`() throws {
        _ = try network.host.output(of: ["bridge", "fdb", "replace", "00:16:3e:00:00:01", "dev", "vif2.0", "master", "static", "sticky"])
        let port = network.guests[1].portIndex
        let entry = try #require(try entry(of: first))
        #expect(entry.port == port && entry.isSticky && entry.lifetime == .fixed)
    }

    @Test func `a sticky entry can't be stolen, and an entry that isn't can`() throws {
        let sticky = network.guests[0].portIndex
        let thief = network.guests[1]
        try send(broadcast(from: first), from: thief)
        #expect(try entry(of: first)?.port == thief.portIndex)
        try network.host.run { try ForwardingDatabase.replaceSticky([first], on: sticky) }
        #expect(try entry(of: first)?.port == sticky)
        try send(broadcast(from: first), from: thief)
        #expect(try entry(of: first)?.port == sticky)
    }

    @Test func `a removed entry is gone, and removing it again is fine`() throws {
        let port = network.guests[0].portIndex
        try network.host.run {
            try ForwardingDatabase.replaceSticky([first], on: port)
            try ForwardingDatabase.remove(first, from: port)
            try ForwardingDatabase.remove(first, from: port)
        }
        #expect(try entry(of: first) == nil)
    }

    @Test func `the bridge's own address is local`() throws {
        #expect(try entry(of: network.bridgeMACAddress)?.lifetime == .local)
    }

    @Test func `entries of another bridge aren't among them`() throws {
        let port = network.guests[0].portIndex
        let entries = try network.host.run {
            let other = try Link.create("br1", .bridge)
            try ForwardingDatabase.replaceSticky([first], on: port)
            return try ForwardingDatabase.entries(of: other.index)
        }
        #expect(entries.allSatisfy { $0.macAddress != first })
        #expect(!entries.isEmpty)
    }
}
