import Addresses
import Glibc
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct BridgedNetworkTests {
    let alice = MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)
    let bob = MACAddress(0x00, 0x16, 0x3e, 0, 0, 2)

    private func frame(from source: MACAddress, to destination: MACAddress = .broadcast, tag: [UInt8] = []) -> [UInt8] {
        destination.bytes + source.bytes + tag + [0x88, 0xb5] + [UInt8](repeating: 0x55, count: 46)
    }

    @Test func `a frame from one guest reaches the other and the outside, byte for byte, and nothing else does`() throws {
        let network = try BridgedNetwork(guests: [alice, bob])
        let atBob = try network.guests[1].sniffer()
        let outside = try network.outside.sniffer()
        let sent = frame(from: alice)
        try network.guests[0].sender().send(sent)
        #expect(try atBob.first { _ in true }?.bytes == sent)
        #expect(try outside.first { _ in true }?.bytes == sent)
        // No neighbour discovery, multicast reports or spanning tree between the frames of a test.
        try outside.drain()
        #expect(outside.frames.count == 1 && atBob.frames.count == 1)
    }

    @Test(arguments: [[0x81, 0x00, 0x20, 0x05], [0x88, 0xa8, 0x00, 0x07]] as [[UInt8]])
    func `a VLAN tag that the kernel takes out of the frame is put back in its place`(tag: [UInt8]) throws {
        let network = try BridgedNetwork(guests: [alice, bob])
        let atBob = try network.guests[1].sniffer()
        let sent = frame(from: alice, tag: tag)
        try network.guests[0].sender().send(sent)
        #expect(try atBob.first { $0.bytes == sent } != nil, "got \(atBob.frames)")
    }

    @Test func `ports that haven't joined get nothing, and can join and leave`() throws {
        let network = try BridgedNetwork(guests: [alice, bob], joined: false)
        let sender = try network.outside.sender()
        let atAlice = try network.guests[0].sniffer()
        let atBob = try network.guests[1].sniffer()
        let source = network.outside.macAddress
        try network.join(network.guests[1])
        try sender.send(frame(from: source))
        #expect(try atBob.first { _ in true } != nil)
        try network.join(network.guests[0])
        try network.leave(network.guests[1])
        try sender.send(frame(from: source, tag: [0x88, 0xb6]))
        #expect(try atAlice.first { _ in true }?.bytes == frame(from: source, tag: [0x88, 0xb6]))
        try atBob.drain()
        #expect(atBob.frames.count == 1)
    }

    @Test func `stations with addresses reach each other over both families, and their caches say how`() throws {
        let network = try BridgedNetwork(guests: [alice, bob])
        let four = try [IPAddress(parsing: "192.0.2.1"), IPAddress(parsing: "192.0.2.2")]
        let six = try [IPAddress(parsing: "2001:db8::1"), IPAddress(parsing: "2001:db8::2")]
        for (place, guest) in network.guests.enumerated() {
            try guest.add(four[place], prefixLength: 24)
            try guest.add(six[place], prefixLength: 64)
        }
        let (a, b) = (network.guests[0], network.guests[1])
        try a.exchange(with: b, at: four[1])
        try a.exchange(with: b, at: six[1])
        for address in [four[1], six[1]] {
            let neighbour = try a.neighbours().first { $0.address == address }
            #expect(neighbour?.macAddress == bob && neighbour?.isRouter == false)
        }
        let seen = try JSONOutput(["ip", "-j", "neighbour", "show", "192.0.2.2"], in: a.namespace)
        #expect(seen.string("lladdr") == bob.description)
        try a.forgetNeighbours()
        #expect(try a.neighbours().allSatisfy { $0.macAddress == nil || $0.state == .noARP })
    }

    @Test func `a station's addresses and routes are those given to it, as ip sees them`() throws {
        let network = try BridgedNetwork(guests: [alice])
        let guest = network.guests[0]
        let address = try IPAddress(parsing: "192.0.2.9")
        let six = try IPAddress(parsing: "2001:db8::9")
        let gateway = try IPAddress(parsing: "192.0.2.1")
        try guest.add(address, prefixLength: 24)
        try guest.add(six, prefixLength: 64)
        try guest.setGateway(gateway)
        try guest.setGateway(IPAddress(parsing: "fe80::1"))
        let index = try guest.interfaceIndex()
        let (addresses, routes) = try guest.namespace.run { (try InterfaceAddress.all(on: index), try Route.all()) }
        #expect(addresses.contains { $0.address == address && $0.prefixLength == 24 })
        #expect(addresses.contains { $0.address == six && $0.prefixLength == 64 && !$0.isTentative })
        #expect(addresses.contains { $0.address == .v6(alice.eui64LinkLocal) && $0.prefixLength == 64 })
        #expect(routes.contains { $0.destination == nil && $0.gateway == gateway && $0.interface == index && !$0.isIPv6 })
        #expect(routes.contains { $0.destination == nil && $0.gateway?.description == "fe80::1" && $0.isIPv6 })
        #expect(routes.contains { $0.destination?.description == "192.0.2.0/24" && $0.gateway == nil })
        let seen = try JSONOutput(["ip", "-j", "route", "show", "default"], in: guest.namespace)
        #expect(seen.string("gateway") == "192.0.2.1" && seen.string("dev") == "eth0")
        try guest.namespace.run { try InterfaceAddress.remove(address, prefixLength: 24, from: index) }
        #expect(try guest.namespace.run { try InterfaceAddress.all(on: index).contains { $0.address == address } } == false)
    }

    @Test func `a neighbour entered for good stays when the others are forgotten`() throws {
        let guest = try BridgedNetwork(guests: [alice]).guests[0]
        let address = try IPAddress(parsing: "192.0.2.1")
        try guest.add(IPAddress(parsing: "192.0.2.9"), prefixLength: 24)
        let index = try guest.interfaceIndex()
        try guest.namespace.run { try Neighbour.set(address, to: bob, on: index) }
        try guest.forgetNeighbours()
        let neighbour = try guest.neighbours().first { $0.address == address }
        #expect(neighbour?.macAddress == bob && neighbour?.state == .permanent)
    }

    @Test func `a frame that can't be sent says why`() throws {
        let network = try BridgedNetwork(guests: [alice])
        let guest = network.guests[0]
        let sender = try guest.sender()
        let tooLong = frame(from: alice) + [UInt8](repeating: 0, count: 4000)
        #expect(throws: LabError.self) { try sender.send(tooLong) }
        try guest.namespace.run { try Link.named("eth0").change(.down) }
        let error = #expect(throws: LabError.self) { try sender.send(frame(from: alice)) }
        #expect(error?.description.contains("ENETDOWN") == true)
    }

    @Test func `a whole network goes with its last reference`() throws {
        let witness = try NetworkNamespace()
        let descriptor = witness.descriptor
        var network: BridgedNetwork? = try BridgedNetwork(guests: [alice])
        // A cable into a namespace that outlives the network: its end goes when the other does.
        try network?.host.run { try Link.create("witness", .veth(peer: "end", namespace: descriptor)) }
        #expect(try witness.run { try Link.all().contains { $0.name == "end" } })
        network = nil
        // The kernel clears namespaces away on a thread of its own.
        var gone = false
        for _ in 0..<1000 where !gone {
            gone = try witness.run { try !Link.all().contains { $0.name == "end" } }
            if !gone { usleep(10_000) }
        }
        #expect(gone)
    }
}

extension Station {
    /// A ping there and back.
    fileprivate func exchange(with other: Station, at address: IPAddress) throws {
        let result = try namespace.execute(["ping", "-c", "1", "-W", "10", address.description], atMost: .seconds(30))
        #expect(result.succeeded, "\(name) can't reach \(other.name): \(result.output)\(result.errors)")
    }
}
