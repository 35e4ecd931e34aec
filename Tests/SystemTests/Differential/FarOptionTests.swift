import Addresses
import Datapath
import Lab
import Packets
import Policy
import Testing

/// A program reads in place within a frame's first kilobyte: what is further on is loaded from where it is.
@Suite(.timeLimit(.minutes(1)))
struct FarOptionTests {
    @Test(arguments: [1, 117, 118, 119, 120, 200, 255])
    func `a link-layer option behind a long one is judged, wherever it is`(units: Int) throws {
        try NetworkNamespace("far").run {
            let world = try DifferentialWorld()
            let place = try #require(world.places.first { $0.direction == .fromGuest && $0.binding.guest.hasPrefix("plain") })
            let own = DifferentialPolicy.mac(1)
            for (mac, reason) in [(own, nil), (DifferentialPolicy.mac(2), .ndAdvertisement)] as [(MACAddress, Reason?)] {
                // Wherever else an option of 8 bytes was read, it would be the guest's own.
                let filler = Array([[UInt8]](repeating: [2, 1] + own.bytes, count: units).joined().dropFirst(2))
                let options: [NeighbourDiscoveryOption] = [.option(.init(rawValue: 253), filler), .targetLinkLayer(mac)]
                let advertisement = UpperLayer.neighbourAdvertisement(target: IPv6Address("2001:db8::10")!, options: options)
                let packet = NetworkPacket.ipv6(from: IPv6Address("2001:db8::10")!, to: DifferentialPolicy.gateway6, advertisement)
                let frame = Frame.ethernet(from: own, to: DifferentialPolicy.gatewayMAC, packet)
                #expect(frame.bytes.count == 14 + 40 + 24 + units * 8 + 8)
                let outcome = try world.testRun.run(.fromGuest, TestRun.Frame(frame.bytes, at: place.index))
                #expect(outcome.reason == reason && outcome.isDropped == (reason != nil), "\(mac)")
            }
        }
    }
}
