import Addresses
import Datapath
import Glibc
import Lab
import Netlink
import Policy
import RepeatableChance
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DatapathBindingTests {
    @Test func `a binding written is read back equal, whatever it holds`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            var random = Chance(seed: 0x5eed)
            for round in 0..<300 {
                let binding = Self.anyBinding(&random)
                let port = ports[round % ports.count]
                try datapath.bind(binding, to: port, subnets: [IPv4Prefix("10.0.0.0/8")!, IPv4Prefix("10.128.0.0/9")!, IPv4Prefix("10.64.0.0/10")!])
                let status = try #require(try datapath.port(port.index))
                #expect(status.binding == binding.normalized)
                #expect(status.port == port)
                #expect(status.kind == .guest)
            }
            #expect(try datapath.ports().map(\.port) == ports)
        }
    }

    @Test func `normalizing changes nothing twice`() {
        var random = Chance(seed: 0xf00d)
        for _ in 0..<500 {
            let once = Self.anyBinding(&random).normalized
            #expect(once.normalized == once)
        }
    }

    @Test func `what a former binding had no room for in its record is gone after a new one`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            var binding = DatapathFixture.binding(1)
            binding.addresses4 = (1...40).map { IPv4Prefix(IPv4Address(192, 0, 2, UInt8($0))) } + [IPv4Prefix("10.0.0.0/8")!]
            binding.addresses6 = (1...40).map { IPv6Prefix(IPv6Address(high: 0x2001_0db8 << 32, low: UInt64($0))) } + [IPv6Prefix("2001:db8:1::/48")!]
            binding.vlans = [7, 8]
            try datapath.bind(binding, to: ports[0], subnets: [IPv4Prefix("192.0.2.0/24")!])
            try datapath.bind(binding, to: ports[1])
            let before = try datapath.entryCounts()
            #expect(before["addresses4"] == 2 * 36 && before["addresses6"] == 2 * 35)
            #expect(before["prefixes4"] == 2 && before["prefixes6"] == 2 && before["vlans"] == 4)
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let after = try datapath.entryCounts()
            #expect(after["addresses4"] == 36 && after["addresses6"] == 35)
            #expect(after["prefixes4"] == 1 && after["prefixes6"] == 1 && after["vlans"] == 2)
            try datapath.close(ports[1])
            #expect(try datapath.entryCounts().values.allSatisfy { $0 == 0 })
            #expect(try datapath.port(ports[1].index)?.binding == nil)
        }
    }

    @Test func `a full map leaves the former binding in force and nothing of the new one`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            var large = DatapathFixture.binding(1)
            // 4 are in the record; the rest are one more than the map holds.
            large.addresses4 = (0..<65536 + 5).map { IPv4Prefix(IPv4Address(rawValue: 0x0a00_0000 + UInt32($0))) }
            let error = #expect(throws: DatapathError.self) { try datapath.bind(large, to: ports[0]) }
            #expect(error == .mapFull(guest: "guest-1", map: "addresses4", bound: 65536))
            #expect(try datapath.port(ports[0].index)?.binding == DatapathFixture.binding(1).normalized)
            #expect(try datapath.entryCounts()["addresses4"] == 0)
            // And a port that had none has none still.
            #expect(throws: DatapathError.self) { try datapath.bind(large, to: ports[1]) }
            #expect(try datapath.port(ports[1].index) == nil)
            #expect(try datapath.attachments(of: ports[1].index).isEmpty)
        }
    }

    @Test func `a binding that no record can hold is refused by name`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            var binding = DatapathFixture.binding(1)
            binding.macs = (1...5).map { MACAddress(2, 0, 0, 0, 0, $0) }
            #expect(throws: DatapathError.unfit(guest: "guest-1", reason: "a port has 1 to 4 MACs, not 5")) {
                try datapath.bind(binding, to: ports[0])
            }
            binding.macs = [MACAddress(1, 0, 0, 0, 0, 1)]
            #expect(throws: DatapathError.self) { try datapath.bind(binding, to: ports[0]) }
            binding = DatapathFixture.binding(1, guest: String(repeating: "x", count: 129))
            #expect(throws: DatapathError.self) { try datapath.bind(binding, to: ports[0]) }
            try #expect(datapath.ports().isEmpty)
        }
    }

    @Test func `every binding has a number of its own, also in another process's hands`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            let ports = try DatapathFixture.makePorts(["vif1.0"])
            var numbers: Set<UInt32> = []
            for _ in 0..<5 {
                // Each load opens the pins anew, as another process would.
                let datapath = try Datapath.load(pins: fixture.pins)
                for _ in 0..<10 {
                    try datapath.bind(DatapathFixture.binding(1), to: ports[0])
                    numbers.insert(try #require(try datapath.bindingNumber(of: ports[0].index)))
                }
            }
            #expect(numbers.count == 50)
        }
    }

    @Test func `binding again while frames are judged never lets one be judged by half a binding`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            // The two bindings share nothing: a frame that is right for one is wrong for the other by its MAC.
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let run = try datapath.testRun()
            for round in 0..<400 {
                let number = UInt8(1 + round % 2)
                try datapath.bind(DatapathFixture.binding(number, guest: "same"), to: ports[0])
                let right = try run.run(.fromGuest, .init(arpRequest(from: number), at: ports[0].index))
                let wrong = try run.run(.fromGuest, .init(arpRequest(from: 3 - number), at: ports[0].index))
                #expect(right.verdict == -1 && right.reason == nil)
                #expect(wrong.isDropped && wrong.reason == .macSource)
            }
        }
    }

    @Test func `an interface whose number shares its place in the index is found all the same`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            // ip(8) can choose the number; 65536 apart is the same place.
            for (name, index) in [("vif1.0", 70), ("vif2.0", 70 + 65536), ("vif3.0", 70 + 2 * 65536)] {
                #expect(shell("ip link add \(name) index \(index) type veth peer name p-\(name)") == 0)
            }
            let datapath = try Datapath.load(pins: fixture.pins)
            let ports = [70, 70 + 65536, 70 + 2 * 65536].enumerated().map {
                Port(index: UInt32($1), name: "vif\($0 + 1).0", bridgeIndex: 5, bridgeName: "br0")
            }
            let run = try datapath.testRun()
            func judged(_ number: Int) throws -> Bool {
                try run.run(.fromGuest, .init(arpRequest(from: UInt8(number)), at: ports[number - 1].index)).verdict == -1
            }
            for number in 1...3 { try datapath.bind(DatapathFixture.binding(UInt8(number)), to: ports[number - 1]) }
            for number in 1...3 { #expect(try judged(number)) }
            // The one in the index goes; the others stay, and change.
            try datapath.detach(70)
            #expect(try !judged(1) && judged(2) && judged(3))
            try datapath.bind(DatapathFixture.binding(9), to: ports[1])
            #expect(try !judged(2) && judged(3))
            try datapath.bind(DatapathFixture.binding(2), to: ports[1])
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            for number in 1...3 { #expect(try judged(number)) }
            #expect(try datapath.ports().map(\.binding?.guest) == ["guest-1", "guest-2", "guest-3"])
        }
    }

    // MARK: Random bindings

    static func anyBinding(_ random: inout Chance) -> Binding {
        func few<T>(_ most: Int, _ make: () -> T) -> [T] { (0..<Int.random(in: 0...most, using: &random)).map { _ in make() } }
        func mac() -> MACAddress { MACAddress(rawValue: UInt64.random(in: 1..<1 << 40, using: &random) | 0x02 << 40) }
        func address6() -> IPv6Address { IPv6Address(high: 0x2001_0db8 << 32, low: UInt64.random(in: 0..<50, using: &random)) }
        func linkLocal() -> IPv6Address { IPv6Address(high: 0xfe80 << 48, low: UInt64.random(in: 1..<1000, using: &random)) }
        var binding = Binding(
            guest: ["www", "größe", String(repeating: "g", count: 128)].randomElement(using: &random)!,
            macs: (0..<Int.random(in: 1...4, using: &random)).map { _ in mac() })
        binding.addresses4 = few(12) {
            IPv4Prefix(
                masking: IPv4Address(rawValue: 0x0a00_0000 | UInt32.random(in: 0..<1 << 24, using: &random)),
                length: [32, 32, 24, 9].randomElement(using: &random)!)!
        }
        binding.addresses6 = few(12) { IPv6Prefix(masking: address6(), length: [128, 128, 64, 48].randomElement(using: &random)!)! }
        binding.linkLocals = few(3) { Bool.random(using: &random) ? linkLocal() : binding.macs[0].eui64LinkLocal }
        binding.linkLocalMode = Bool.random(using: &random) ? .claim : .eui64
        binding.usesDHCP = Bool.random(using: &random)
        binding.roles = Roles(rawValue: UInt8.random(in: 0..<32, using: &random))
        binding.vlans = few(5) { UInt16.random(in: 1...4094, using: &random) }
        binding.virtualRouters = few(4) {
            let address: IPAddress =
                Bool.random(using: &random)
                ? .v4(IPv4Address(10, 9, 9, UInt8.random(in: 0...3, using: &random)))
                : .v6(Bool.random(using: &random) ? linkLocal() : address6())
            return VirtualRouter(mac: MACAddress(0, 0, 0x5e, 0, 1, UInt8.random(in: 1...3, using: &random)), address: address)
        }
        binding.etherTypes = few(4) { UInt16.random(in: 0x9101...0xffff, using: &random) }
        binding.quiet = Bool.random(using: &random)
        binding.mode = Bool.random(using: &random) ? .audit : .enforce
        binding.limits = Limits(
            broadcastRate: UInt32.random(in: 0...3, using: &random) * 1000, broadcastBurst: .random(in: 0 ... .max, using: &random),
            neighborRate: .random(in: 0 ... .max, using: &random), neighborBurst: .random(in: 0...9, using: &random))
        binding.isMigrating = Bool.random(using: &random)
        binding.origin = Origin.allCases.randomElement(using: &random)!
        return binding
    }
}

/// Runs a command in the calling thread's namespaces; its exit status.
func shell(_ command: String) -> Int32 {
    var arguments: [UnsafeMutablePointer<CChar>?] = ["sh", "-c", command].map { (word: String) in strdup(word) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    guard posix_spawnp(&process, "sh", nil, nil, &arguments, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status >> 8
}
