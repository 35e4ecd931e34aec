import Addresses
import PolicyText
import Foundation
import Policy
import Testing

@Suite struct PolicyFilesTests {
    static let tests = URL(filePath: #filePath).deletingLastPathComponent()

    @Test func `a folder is read whole: the policy, then guests in the order of their files' names`() throws {
        let configuration = try PolicyFiles.load(Self.tests.appending(path: "Good").path)
        #expect(configuration.stampBit == 29 && configuration.maximumPorts == 8192)
        #expect(configuration.warnings == [])
        #expect(
            configuration.policy.bridges == [
                BridgePolicy(
                    name: "xenbr0", uplinks: ["eth0", "eth1"],
                    gateways: [try #require(IPAddress("192.0.2.1")), try #require(IPAddress("2001:db8::1"))],
                    gatewayMACs: [MACAddress(0x52, 0x54, 0, 0, 0, 1), MACAddress(0x52, 0x54, 0, 0, 0, 2)],
                    subnets: ["192.0.2.0/24", "198.51.100.0/25"].compactMap { IPv4Prefix($0) },
                    reserved: ["192.0.2.240/28", "2001:db8:ff::/64"].compactMap { IPPrefix($0) },
                    reservedMACs: [MACAddress(0x52, 0x54, 0, 0, 0, 3)], uplinkMode: .enforce, isolatesGuests: true),
                BridgePolicy(name: "xenbr1"),
            ])
        #expect(
            configuration.policy.interfaces.map(\.binding.guest) == [
                "fw.example.com", "fw.example.com", "mail: Grüße, \"ö\"", "www.example.com",
            ])
        #expect(configuration.policy.interfaces.map(\.port) == ["vif3.0", nil, nil, "vif1.0"])
    }

    @Test func `an interface has its own settings, else its guest's, else the defaults`() throws {
        let interfaces = try PolicyFiles.load(Self.tests.appending(path: "Good").path).policy.interfaces
        let vrrp = VirtualRouter(mac: MACAddress(0, 0, 0x5e, 0, 1, 7), address: .v4(IPv4Address(192, 0, 2, 5)))
        let vrrp6 = VirtualRouter(mac: MACAddress(0, 0, 0x5e, 0, 2, 7), address: try #require(IPAddress("fe80::5")))
        var expected = Binding(
            guest: "fw.example.com", macs: [MACAddress(0, 0x16, 0x3e, 0x38, 0xb4, 3), MACAddress(0, 0x16, 0x3e, 0x38, 0xb4, 4)],
            addresses4: ["203.0.113.0/28", "192.0.2.3"].compactMap { IPv4Prefix($0) },
            addresses6: ["2001:db8::3", "2001:db8:3::/48"].compactMap { IPv6Prefix($0) },
            linkLocals: [try #require(IPv6Address("fe80::3"))], linkLocalMode: .claim, usesDHCP: true,
            roles: [.router, .transit], vlans: [10, 4094], virtualRouters: [vrrp, vrrp6], etherTypes: [0x88cc, 0x8035, 0x88fe],
            quiet: true, mode: .enforce, isMigrating: true)
        expected.limits = Limits(broadcastRate: 500, broadcastBurst: 4000, neighborRate: 0, neighborBurst: 7)
        #expect(interfaces[0] == GuestInterface(port: "vif3.0", bridge: "xenbr0", binding: expected))

        expected = Binding(
            guest: "fw.example.com", macs: [MACAddress(0, 0x16, 0x3e, 0x38, 0xb4, 3)],
            addresses4: [IPv4Prefix(IPv4Address(192, 0, 2, 3))], linkLocals: [try #require(IPv6Address("fe80::1"))],
            linkLocalMode: .eui64, roles: [], vlans: [7], quiet: false, mode: .enforce)
        expected.limits.broadcastRate = 500
        #expect(interfaces[1] == GuestInterface(port: nil, bridge: "xenbr1", binding: expected))

        expected = Binding(
            guest: "mail: Grüße, \"ö\"", macs: [MACAddress(0, 0x16, 0x3e, 0x38, 0xb4, 0xad)], linkLocalMode: .eui64,
            usesDHCP: true, quiet: false, mode: .audit, limits: expected.limits)
        #expect(interfaces[2] == GuestInterface(port: nil, bridge: "xenbr0", binding: expected))
        #expect(interfaces[3].binding.virtualRouters == [vrrp])
    }

    @Test func `the example that comes with the package is a valid policy`() throws {
        let root = Self.tests.deletingLastPathComponent().deletingLastPathComponent()
        let configuration = try PolicyFiles.load(root.appending(path: "Packaging/policy.example.yaml").path)
        #expect(configuration.warnings == [])
        #expect(configuration.policy.interfaces.count == 5)
    }

    @Test func `every example of the reference page is a valid policy, or a part of one`() throws {
        let root = Self.tests.deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "Documentation/policy-file.md"), encoding: .utf8)
        let examples = page.components(separatedBy: "```yaml\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        #expect(examples.count == 5)
        for example in examples {
            var text = example
            if text.hasPrefix("# guests.d/") { text = "guests:\n  www:\n" + text.split(separator: "\n").map { "    \($0)\n" }.joined() }
            if !text.contains("bridges:") { text += "bridges: {xenbr0: }\n" }
            #expect(throws: Never.self) { try PolicyFiles.parse(text, file: "example") }
        }
    }

    @Test func `bridges: {} guards nothing, and says so on purpose`() throws {
        #expect(try PolicyFiles.parse("bridges: {}", file: "p") == HostConfiguration(policy: HostPolicy()))
    }

    @Test func `a prefix around another of the same interface is only worth a warning`() throws {
        let configuration = try PolicyFiles.parse(Self.policy("addresses: [192.0.2.16/28, 192.0.2.17]"), file: "p")
        #expect(configuration.warnings.map(\.message) == ["192.0.2.17 lies within 192.0.2.16/28 of the same interface (p:5)"])
        #expect(configuration.warnings.map(\.severity) == [.warning])
    }

    @Test func `a byte order mark and Windows' line ends are no trouble`() throws {
        let text = "\u{FEFF}" + Self.policy("addresses: [192.0.2.7]").replacing("\n", with: "\r\n")
        #expect(try PolicyFiles.parse(text, file: "p").policy.interfaces.count == 1)
    }

    // MARK: Files

    @Test func `a policy that isn't there is told apart from one that may not be read`() throws {
        try Self.withFolder { folder in
            #expect(Self.messages { try PolicyFiles.load(folder + "/none.yaml") } == ["there is no file \(folder)/none.yaml"])
            #expect(Self.messages { try PolicyFiles.load(folder) } == ["there is no file \(folder)/policy.yaml"])
            try FileManager.default.createDirectory(atPath: folder + "/guests.d", withIntermediateDirectories: false)
            #expect(mkfifo(folder + "/policy.yaml", 0o600) == 0)
            #expect(Self.messages { try PolicyFiles.load(folder) } == ["not a regular file"])
        }
    }

    @Test func `no file is read beyond 16 MiB`() throws {
        let message = "larger than 16 MiB"
        #expect(Self.messages { try PolicyFiles.load("/dev/zero") } == [message])
        let long = [UInt8](repeating: UInt8(ascii: "#"), count: PolicyFiles.maximumBytes + 1)
        #expect(Self.messages { try PolicyFiles.parse(long, file: "p") } == [message])
    }

    @Test func `an error is a flat object in JSON`() throws {
        let error = ConfigurationError("wrong", at: SourceLocation(file: "p.yaml", line: 3, column: 4), write: "right")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = String(decoding: try encoder.encode(ConfigurationErrors([error])), as: UTF8.self)
        #expect(json == #"[{"column":4,"file":"p.yaml","line":3,"message":"wrong","severity":"error","suggestion":"right"}]"#)
    }

    // MARK: Scale

    static func manyGuests(_ count: Int, addressesEach: Int, bridges: Int = 1, room: Int? = nil) -> String {
        var text = (room.map { "max-ports: \($0)\n" } ?? "") + "bridges:\n" + (0..<bridges).map { "  br\($0): {}\n" }.joined() + "guests:\n"
        for guest in 0..<count {
            let mac = MACAddress(rawValue: 0x0016_3e00_0000 | UInt64(guest))
            let addresses = (0..<addressesEach).map { IPv4Address(rawValue: 0x0a00_0000 + UInt32(guest * addressesEach + $0)).description }
            text += "  g\(guest):\n    interfaces:\n      - port: vif\(guest).0\n        bridge: br\(guest % bridges)\n"
            text += "        mac: \(mac)\n        addresses: [\(addresses.joined(separator: ", "))]\n"
        }
        return text
    }

    @Test(.timeLimit(.minutes(10))) func `a policy of 10,000 addresses is read, and the one that is given twice is found`() throws {
        let text = Self.manyGuests(1000, addressesEach: 10)
        let policy = try PolicyFiles.parse(text, file: "p").policy
        #expect(policy.interfaces.count == 1000)
        #expect(policy.interfaces.reduce(0) { $0 + $1.binding.addresses4.count } == 10_000)
        let twice = text.replacing("10.0.39.15]", with: "10.0.0.0]")
        #expect(Self.messages { try PolicyFiles.parse(twice, file: "p") } == ["10.0.0.0 belongs to guest \"g0\" already (p:9)"])
    }

    @Test(.timeLimit(.minutes(10))) func `a bridge has at most 1023 ports, a host as many as max-ports says, less one`() throws {
        #expect(try PolicyFiles.parse(Self.manyGuests(1023, addressesEach: 1), file: "p").policy.interfaces.count == 1023)
        #expect(
            Self.messages { try PolicyFiles.parse(Self.manyGuests(1024, addressesEach: 1), file: "p") }
                == ["bridge \"br0\" has more than 1023 ports"])
        func faults(_ count: Int, bridges: Int, room: Int? = nil) -> [String] {
            let text = Self.manyGuests(count, addressesEach: 1, bridges: bridges, room: room)
            do {
                return ["accepted: \(try PolicyFiles.parse(text, file: "p").maximumPorts)"]
            } catch {
                return error.errors.map { "\($0.location.line): \($0.message); write: \($0.suggestion ?? "nothing")" }
            }
        }
        #expect(faults(1023, bridges: 2, room: 1024) == ["accepted: 1024"])
        // The 1024th guest: after max-ports, bridges with two below, guests, and six lines a guest; its third.
        #expect(
            faults(1024, bridges: 2, room: 1024)
                == ["6146: the policy has more than 1023 interfaces, the most with max-ports: 1024; write: max-ports: 2048"])
        #expect(faults(4095, bridges: 5) == ["accepted: 4096"])
        // With the bridges and the place that is nobody's they are more than 5120.
        #expect(
            faults(5118, bridges: 6).map { $0.drop { $0 != " " } }
                == [" the policy has more than 4095 interfaces, the most with max-ports: 4096; write: max-ports: 6144"])
        #expect(
            faults(16_384, bridges: 17, room: 16_384).map { $0.drop { $0 != " " } } == [
                " the policy has more than 16383 interfaces, the most with max-ports: 16384; write: guests from here on in another host's policy"
            ])
        // A mistake is told once.
        #expect(faults(4096, bridges: 5, room: 20_000).count == 1)
    }

    // MARK: Tools

    static func policy(_ keys: String) -> String {
        "bridges: {xenbr0: }\nguests:\n  www:\n    interfaces:\n      - {bridge: xenbr0, mac: 00:16:3e:00:00:10, \(keys)}\n"
    }

    static func messages(_ load: () throws -> HostConfiguration) -> [String] {
        do {
            return ["accepted: \(try load())"]
        } catch let errors as ConfigurationErrors {
            return errors.errors.map(\.message)
        } catch {
            return ["\(error)"]
        }
    }

    static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-policy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
