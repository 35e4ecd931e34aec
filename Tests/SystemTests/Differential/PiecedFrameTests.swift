import Datapath
import Glibc
import Lab
import Netlink
import Packets
import Policy
import RepeatableChance
import Testing

/// Real frames whose bytes lie here and there in the kernel's memory, as those of network cards and of driver domains do:
/// only the first of them are where a program can read in place.
@Suite(.timeLimit(.minutes(5)))
struct PiecedFrameTests {
    @Test func `a frame in pieces is judged as one that is whole`() throws {
        let frames = 60_000
        let namespace = try NetworkNamespace("pieces")
        try namespace.run {
            var world = try DifferentialWorld(withTaps: true)
            for index in world.taps.keys {
                let link = try Link.numbered(index)
                // Else the kernel gathers headers where they are to be read in place.
                #expect(shell("ethtool -K \(link.name) gro off") == 0)
                try link.change(.up)
            }
            var grammar = FrameGrammar(seed: 0x6e6f_6e6c)
            var (counts, passed): ([Reason?: Int], [UInt32: Int]) = ([:], [:])
            for number in 1...frames {
                if number % 10_000 == 0 { try world.begin(round: number / 10_000) }
                let places = world.places.filter { $0.direction == .fromGuest || $0.direction == .fromUplink }
                let place = grammar.dice.pick(places.filter { world.taps[$0.index] != nil })
                let bytes = grammar.frame(for: place.binding, arriving: false)
                guard let frame = Self.received(bytes) else { continue }
                let (difference, reason, isPassed) = try world.difference(sending: Self.cut(bytes, &grammar.dice), as: frame, at: place)
                counts[reason, default: 0] += 1
                if isPassed { passed[place.index, default: 0] += 1 }
                if let difference {
                    Issue.record("frame \(number): \(difference)")
                    break
                }
            }
            // Those of which nothing was counted have passed, and weren't lost on the way.
            for index in world.taps.keys {
                #expect(try world.datapath.counters(of: index).into.passed.packets == UInt64(passed[index] ?? 0))
            }
            for reason in [.ip6HeaderChain, .ip6Fragment, .ndMalformed, .raGuard, .ndAdvertisement, .ndSolicitation, .dhcp4Server, .dhcp6Server]
                as [Reason]
            {
                #expect(counts[reason, default: 0] >= 20, "\(reason.name)")
            }
        }
    }

    /// As a tc program gets it: the kernel takes a tag out of the bytes, and lets a frame go that ends behind it
    /// (net/core/skbuff.c, skb_vlan_untag). Nil then, and for what is no frame.
    private static func received(_ bytes: [UInt8]) -> Frame? {
        guard bytes.count >= 14 else { return nil }
        let type = UInt16(bytes[12]) << 8 | UInt16(bytes[13])
        guard type == 0x8100 || type == 0x88a8 else { return Frame(bytes: bytes) }
        guard bytes.count >= 20 else { return nil }
        let tag = VLANTag(tpid: EtherType(rawValue: type), tci: UInt16(bytes[14]) << 8 | UInt16(bytes[15]))
        return Frame(bytes: Array(bytes[..<12] + bytes[16...]), offloadedTag: tag)
    }

    /// Into one to six pieces, wherever.
    private static func cut(_ bytes: [UInt8], _ dice: inout Chance) -> [[UInt8]] {
        let cuts = (0..<dice.below(6)).map { _ in 1 + dice.below(bytes.count - 1) }
        let ends = Set(cuts).sorted() + [bytes.count]
        return zip([0] + ends, ends).map { Array(bytes[$0..<$1]) }
    }
}

extension Tap {
    /// Sends a frame, each piece of which stays one.
    func send(_ pieces: [[UInt8]]) throws {
        var bytes = pieces.flatMap(\.self)
        let sent = bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            let parts = pieces.map { piece in
                defer { start += piece.count }
                return iovec(iov_base: buffer.baseAddress! + start, iov_len: piece.count)
            }
            return writev(descriptor, parts, Int32(parts.count))
        }
        try #require(sent == bytes.count, "\(String(cString: strerror(errno)))")
    }
}
