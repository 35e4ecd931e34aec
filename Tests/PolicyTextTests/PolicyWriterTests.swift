import Addresses
import PolicyText
import Foundation
import Policy
import Testing

@Suite struct PolicyWriterTests {
    @Test func `what is written reads back equal`() throws {
        for path in ["Good", "../../Packaging/policy.example.yaml"] {
            var configuration = try PolicyFiles.load(PolicyFilesTests.tests.appending(path: path).path)
            configuration.policy.interfaces[0].binding.limits = .none
            let text = PolicyWriter.yaml(for: configuration)
            #expect(try PolicyFiles.parse(text, file: "written") == configuration, "\(text)")
        }
    }

    @Test func `room for ports is written where it isn't the usual`() throws {
        var configuration = try PolicyFiles.parse("bridges: {}", file: "p")
        #expect(PolicyWriter.yaml(for: configuration) == "bridges: {}\n")
        configuration.maximumPorts = 1024
        #expect(PolicyWriter.yaml(for: configuration) == "max-ports: 1024\n\nbridges: {}\n")
    }

    @Test func `no name is taken for anything else`() throws {
        for name in [
            "true", "null", "~", "12", "1e5", "0x10", "- a", "a: b", "#x", "*a", "&a", "!a", "\"", "\\", "a b", "{", "Ω", "'", "<<", ".inf",
            "%a",
        ] {
            var configuration = try PolicyFiles.parse(PolicyFilesTests.policy("addresses: [192.0.2.7]"), file: "p")
            configuration.policy.interfaces[0].binding.guest = name
            configuration.policy.interfaces[0].port = name.contains(" ") ? "p" : name
            #expect(try PolicyFiles.parse(PolicyWriter.yaml(for: configuration), file: "written") == configuration, "\(name)")
        }
    }

    @Test func `what is so anyway isn't written`() throws {
        let configuration = try PolicyFiles.parse(PolicyFilesTests.policy("addresses: [192.0.2.7, dhcp, \"2001:db8::/64\"]"), file: "p")
        #expect(
            PolicyWriter.yaml(for: configuration) == """
                bridges:
                  xenbr0: {}

                guests:
                  www:
                    interfaces:
                      - bridge: xenbr0
                        mac: 00:16:3e:00:00:10
                        addresses: [192.0.2.7, "2001:db8::/64", dhcp]

                """)
    }
}
