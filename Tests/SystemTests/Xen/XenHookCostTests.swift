import FakeXen
import Foundation
import Lab
import Netlink
import Testing

/// How long the hook holds up a guest's start: `make bench-hook`. It measures, and judges nothing.
@Suite(.timeLimit(.minutes(10)), .enabled(if: ProcessInfo.processInfo.environment["VIFGUARD_HOOK"] != nil))
struct XenHookCostTests {
    @Test(arguments: [0, 1000])
    func `a card online and offline, by a policy of so many other guests`(_ guests: Int) throws {
        var policy = XenFixture.policy
        for number in 0..<guests {
            let bytes = [number >> 8, number & 0xff].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            policy +=
                "  guest-\(number): {interfaces: [{bridge: br0, mac: \"02:01:00:00:\(bytes[0]):\(bytes[1])\", addresses: [10.1.\(number >> 8).\(number & 0xff)]}]}\n"
        }
        let xen = try XenFixture(policy: policy.replacing("10.1.0.0]", with: "10.1.9.1]"))
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7 2001:db8::7")
        var online: [Double] = []
        var offline: [Double] = []
        for _ in 0..<50 {
            try xen.makePort("vif7.0")
            online.append(try time { try xen.hook("online", "type_if=vif", domain: 7) })
            offline.append(try time { try xen.hook("offline", "type_if=vif", domain: 7) })
            try xen.host.run { try Link.named("vif7.0").delete() }
        }
        // What starting any program costs here, the one that starts the hook included.
        let nothing = try (0..<50).map { _ in try time { try xen.host.execute(["env", "-i", "true"]) } }
        print(
            "hook xen, \(guests) guests in the policy: online \(median(online)) ms, offline \(median(offline)) ms, of which starting a program \(median(nothing)) ms"
        )
    }

    private func time(_ body: () throws -> CommandResult) throws -> Double {
        let begun = ContinuousClock.now
        #expect(try body().succeeded)
        return (ContinuousClock.now - begun) / .milliseconds(1)
    }

    private func median(_ values: [Double]) -> String { String(format: "%.1f", values.sorted()[values.count / 2]) }
}
