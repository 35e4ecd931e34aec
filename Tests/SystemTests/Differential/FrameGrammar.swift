import Addresses
import Policy
import RepeatableChance

/// Frames that come close to every rule: grown from what the bindings allow, with one or a few things made wrong, then
/// sometimes mutated byte by byte. Bytes are laid out by hand: what is composed here must not share a mistake with
/// `Packets`.
struct FrameGrammar {
    var dice: Chance
    private let bindings: [Binding]
    private let macs: [MACAddress]
    private let addresses4: [IPv4Address]
    private let addresses6: [IPv6Address]
    let linkLocals: [IPv6Address]
    /// More than a bridge holds, and sources of nothing but advertisements: what else they sent would make them neighbours.
    let routers = (1...24).map { IPv6Address("fe80::b:\($0)")! }

    init(seed: UInt64) {
        dice = Chance(seed: seed)
        bindings = DifferentialPolicy.bindings.map(\.binding) + [DifferentialPolicy.stopped.binding]
        macs =
            bindings.flatMap(\.macs) + bindings.flatMap { $0.virtualRouters.map(\.mac) } + [
                DifferentialPolicy.gatewayMAC, DifferentialPolicy.hostMAC, .broadcast, MACAddress(rawValue: 0),
                MACAddress("01:00:5e:00:00:01")!, MACAddress("33:33:00:00:00:01")!, MACAddress("02:ee:00:00:00:07")!,
                MACAddress("01:80:c2:00:00:00")!, MACAddress("01:80:c2:00:00:0f")!, MACAddress("01:80:c2:00:00:10")!,
                MACAddress("01:00:0c:cc:cc:cc")!, MACAddress("01:00:0c:cc:cc:cd")!, MACAddress("01:00:0c:cc:cc:ce")!,
            ]
        addresses4 =
            bindings.flatMap(\.addresses4).flatMap { [$0.address, $0.last] } + [
                DifferentialPolicy.gateway, DifferentialPolicy.hostAddress, .any, .broadcast,
            ]
            + [
                "127.0.0.1", "0.1.2.3", "224.0.0.22", "239.1.2.3", "240.0.0.1", "8.8.8.8", "198.51.100.255", "203.0.113.255", "203.0.113.5",
                "198.51.100.250", "198.51.100.107", "192.0.2.17", "255.255.255.254",
            ].map { IPv4Address($0)! }
        linkLocals =
            bindings.flatMap(\.macs).map(\.eui64LinkLocal) + [DifferentialPolicy.hostLinkLocal]
            + [
                "fe80::", "fe80::1", "fe80::ff", "fe80::100", "fe80::53", "fe80::1234:5678", "fe80:0:0:1::1", "febf::1", "fec0::1",
            ].map { IPv6Address($0)! } + (1...24).map { IPv6Address("fe80::a:\($0)")! }
        addresses6 =
            linkLocals + bindings.flatMap(\.addresses6).flatMap { [$0.address, $0.last] }
            + [
                "::", "::1", "::2", "ff02::1", "ff02::2", "ff02::16", "ff02::1:2", "ff05::1:3", "ff02::1:ff00:10", "2001:db8::1", "2001:db8:ffff::7",
                "2001:db8:13::5", "2001:db8:1:2::99", "2001:db8:3:5::1", "2600::1", "2001:db8::107", "2001:db8:ffff::",
            ].map { IPv6Address($0)! }
    }

    /// A frame such as the guest would send, or receive, with `binding` its own; 14 bytes or more.
    mutating func frame(for binding: Binding, arriving: Bool) -> [UInt8] {
        let own =
            dice.once(in: 12) ? dice.pick(macs) : binding.macs.isEmpty ? dice.pick(macs) : dice.pick(binding.macs + binding.virtualRouters.map(\.mac))
        let other = dice.once(in: 4) ? .broadcast : dice.pick(macs)
        let (source, destination) = arriving ? (other, dice.once(in: 3) ? dice.pick(macs) : own) : (own, other)
        var bytes = destination.bytes + source.bytes
        bytes += tags(binding)
        switch dice.below(20) {
        case 0..<4: bytes += arp(binding, source: source)
        case 4..<10: bytes += ipv4(binding, source: source, destination: destination, arriving: arriving)
        case 10..<19: bytes += ipv6(binding, source: source, arriving: arriving)
        default: bytes += otherType(source: source)
        }
        if dice.once(in: 4) { bytes += dice.bytes(dice.below(40)) }  // padding
        if bytes[12...13] == [0x81, 0x00], dice.once(in: 6) { bytes = Array(bytes.prefix(14 + dice.below(48))) }
        mutate(&bytes)
        // BPF_PROG_TEST_RUN takes no IP frame without its fixed header, unless a tag hides it: the lab sends those.
        let least = bytes.count < 14 ? 14 : bytes[12...13] == [0x08, 0x00] ? 34 : bytes[12...13] == [0x86, 0xdd] ? 54 : 14
        while bytes.count < least { bytes.append(dice.byte()) }
        return bytes
    }

    private mutating func tags(_ binding: Binding) -> [UInt8] {
        guard dice.once(in: binding.vlans.isEmpty ? 10 : 3) else { return [] }
        var tags: [UInt8] = []
        for _ in 0...(dice.once(in: 4) ? 1 : 0) {
            let type: [UInt8] = dice.once(in: 4) ? dice.pick([[0x88, 0xa8], [0x91, 0x00]]) : [0x81, 0x00]
            tags += type + big(dice.pick([0, 10, 20, 30, 0x200a, 0xf00a, 4095]))
        }
        return tags
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard dice.once(in: 6) else { return }
        switch dice.below(4) {
        case 0: bytes = Array(bytes.prefix(14 + dice.below(max(1, bytes.count - 13))))
        case 1: bytes += dice.bytes(dice.below(64))
        default:
            for _ in 0...dice.below(3) {
                let at = dice.below(bytes.count)
                bytes[at] = dice.once(in: 2) ? dice.byte() : bytes[at] ^ (1 << UInt8(dice.below(8)))
            }
        }
    }

    // MARK: Choices

    private func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }

    private mutating func address4(_ binding: Binding) -> IPv4Address {
        guard !binding.addresses4.isEmpty, !dice.once(in: 4) else { return dice.pick(addresses4) }
        let prefix = dice.pick(binding.addresses4)
        return dice.once(in: 2)
            ? prefix.address : IPv4Address(rawValue: prefix.address.rawValue | UInt32(truncatingIfNeeded: dice.next()) & ~prefix.mask.rawValue)
    }

    mutating func anyAddress6() -> IPv6Address { dice.pick(addresses6) }

    mutating func address(of binding: Binding) -> IPv6Address {
        switch dice.below(8) {
        case 0: return dice.pick(addresses6)
        case 1: return .unspecified
        case 2: return dice.pick(linkLocals)
        case 3, 4: return dice.pick(binding.macs.map(\.eui64LinkLocal) + binding.linkLocals)
        default: return binding.addresses6.isEmpty ? dice.pick(addresses6) : dice.pick(binding.addresses6).address
        }
    }

    // MARK: Packets

    private mutating func arp(_ binding: Binding, source: MACAddress) -> [UInt8] {
        var bytes: [UInt8] = [0x08, 0x06, 0, 1, 8, 0, 6, 4] + big(dice.once(in: 8) ? dice.pick([0, 3, 4, 8, 256]) : dice.pick([1, 2]))
        if dice.once(in: 12) { bytes[2 + dice.below(6)] = dice.byte() }
        bytes += (dice.once(in: 6) ? dice.pick(macs) : source).bytes
        let sender = dice.once(in: 4) ? IPv4Address.any : address4(binding)
        bytes += sender.bytes + dice.pick(macs).bytes
        bytes += (dice.once(in: 4) ? sender : address4(binding)).bytes
        return bytes
    }

    private mutating func otherType(source: MACAddress) -> [UInt8] {
        switch dice.below(4) {
        case 0: return big(dice.pick([0x88cc, 0x8864, 0x888e, 0x8847, 0x0600])) + dice.bytes(dice.below(50))
        case 1: return big(UInt16(dice.below(1500))) + [0xaa, 0xaa, 3, 0, 0, 0, 8, 0] + dice.bytes(40)
        default:
            var bytes: [UInt8] =
                [0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, dice.once(in: 4) ? 4 : 3] + source.bytes + [0, 0, 0, 0] + source.bytes + [0, 0, 0, 0]
            if dice.once(in: 3) { bytes[2 + dice.below(28)] ^= 1 }
            return bytes
        }
    }

    private mutating func ipv4(_ binding: Binding, source: MACAddress, destination: MACAddress, arriving: Bool) -> [UInt8] {
        let dhcp = dice.once(in: 4)
        var from = address4(binding), to = dice.pick(addresses4)
        if arriving { swap(&from, &to) }
        if dhcp, dice.once(in: 2) { (from, to) = (.any, .broadcast) }
        if dice.once(in: 10) { from = .any }
        let upper: (UInt8, [UInt8]) = dhcp ? (17, bootp(binding, source: source, arriving: arriving)) : upper4()
        let options = dice.once(in: 5) ? options4() : []
        let payload = dice.once(in: 12) ? Array(upper.1.prefix(dice.below(12))) : upper.1
        let total = 20 + options.count + payload.count
        var fragment: UInt16 = 0
        if dice.once(in: 6) { fragment = dice.pick([0x2000, 0x2001, 1, 2, 0x2002, 0x4000, 0x00b9, 0x1fff, 0x8000]) }
        var header: [UInt8] = [0x40 | UInt8((20 + options.count) / 4), 0] + big(UInt16(truncatingIfNeeded: total)) + [0, 1] + big(fragment)
        header += [64, upper.0, 0, 0] + from.bytes + to.bytes
        if dice.once(in: 20) { header[0] = dice.byte() }
        if dice.once(in: 20) { (header[2], header[3]) = (dice.once(in: 2) ? 0 : header[2], dice.byte()) }
        return [0x08, 0x00] + header + options + payload
    }

    private mutating func options4() -> [UInt8] {
        var options: [UInt8] = []
        for _ in 0...dice.below(3) {
            switch dice.below(6) {
            case 0: options.append(1)
            case 1: options.append(0)
            case 2: options += [dice.pick([131, 137]), 7, 4, 1, 2, 3, 4]
            case 3: options += [148, 4, 0, 0]
            case 4: options += [7, UInt8(dice.below(12))] + dice.bytes(dice.below(6))
            default: options += [dice.byte(), UInt8(dice.below(5))]
            }
        }
        options = Array(options.prefix(40))
        while options.count % 4 != 0 { options.append(dice.pick([0, 1])) }
        return options
    }

    private mutating func ports() -> [UInt8] {
        let known: [UInt16] = [67, 68, 53, 546, 547, 5353, 40000]
        return big(dice.pick(known)) + big(dice.pick(known))
    }

    private mutating func upper4() -> (UInt8, [UInt8]) {
        switch dice.below(6) {
        case 0: (1, [dice.pick([0, 8, 5, 9, 10, 17, 18, 3]), 0, 0, 0] + dice.bytes(dice.below(12)))
        case 1: (2, [dice.pick([0x11, 0x16, 0x22, 0x17, 0x30, 0x31, 0x32, 0x13]), 0, 0, 0, 224, 0, 0, 5])
        case 2: (6, dice.bytes(20))
        case 3: (dice.byte(), dice.bytes(dice.below(20)))
        default: (17, ports() + [0, 12, 0, 0] + dice.bytes(dice.below(8)))
        }
    }

    private mutating func bootp(_ binding: Binding, source: MACAddress, arriving: Bool) -> [UInt8] {
        let answer = arriving != dice.once(in: 10)
        var bytes: [UInt8] = (answer ? [0, 67, 0, 68] : [0, 68, 0, 67]) + [1, 8, 0, 0]
        bytes += [answer ? 2 : 1, 1, 6, 0] + dice.bytes(4) + [0, 0, 0, 0]
        bytes += (dice.once(in: 3) ? address4(binding) : .any).bytes + dice.pick(addresses4).bytes + [0, 0, 0, 0]
        bytes += dice.once(in: 10) ? dice.bytes(4) : [0, 0, 0, 0]
        bytes += (dice.once(in: 6) || binding.macs.isEmpty ? dice.pick(macs) : dice.pick(binding.macs)).bytes
        bytes += [UInt8](repeating: 0, count: 202 + dice.below(10))
        if dice.once(in: 6) { bytes[8 + dice.below(3)] = dice.pick([0, 1, 2, 6, 7]) }
        if dice.once(in: 10) { bytes[8 + dice.below(40)] = dice.byte() }
        return dice.once(in: 10) ? Array(bytes.prefix(8 + dice.below(bytes.count - 8))) : bytes
    }
}
