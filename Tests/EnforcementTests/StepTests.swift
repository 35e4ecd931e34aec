import Addresses
import Datapath
import Foundation
import Netlink
import Policy
import Testing

@testable import Enforcement

struct StepTests {
    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test func `a step in JSON says what, where and in words`() throws {
        let steps = ModelHost(guests: 1).plan(ModelHost.policy(guests: 1)).steps
        let bind = try #require(steps.first { $0.name == "bind" && $0.port.name == "vif1.0" })
        #expect(
            try json(bind)
                == #"{"addresses":["192.0.2.1"],"bridge":"br0","description":"vif1.0: bind to guest guest-1 (00:16:3e:00:00:01; 192.0.2.1)","guest":"guest-1","index":11,"interface":"vif1.0","macs":["00:16:3e:00:00:01"],"mode":"enforce","step":"bind"}"#
        )
        let flags = try #require(steps.first { $0.name == "set-port" })
        #expect(
            try json(flags)
                == #"{"bridge":"br0","description":"vif1.0: learning off, flood off, guard on, mcast_router off","index":11,"interface":"vif1.0","settings":{"flood":false,"guard":true,"learning":false,"mcast_router":false},"step":"set-port"}"#
        )
    }

    @Test func `a plan in JSON has steps, faults and warnings`() throws {
        let plan = Plan(faults: [Fault(.guest("www"), "no")], warnings: ["look"])
        #expect(try json(plan) == #"{"faults":[{"guest":"www","message":"no"}],"steps":[],"warnings":["look"]}"#)
    }

    @Test func `every step of a plan has a line and a JSON shape of its own`() throws {
        var host = ModelHost(guests: 3)
        var steps = host.apply(ModelHost.policy()).steps
        host.state.interfaces[ModelHost.port(1)] = nil
        steps += host.apply(ModelHost.policy(guests: 3)).steps + host.apply(HostPolicy()).steps
        #expect(Set(steps.map(\.name)).count == 12)
        for step in steps {
            #expect(step.description.hasPrefix("\(step.port.name): ") && !step.description.contains("\n"))
            #expect(try json(step).contains(#""step":"\#(step.name)""#))
        }
    }
}
