import Addresses
import Policy
import RepeatableChance

extension FrameGrammar {
    mutating func ipv6(_ binding: Binding, source mac: MACAddress, arriving: Bool) -> [UInt8] {
        var from = address(of: binding), to = anyAddress6()
        if arriving, dice.once(in: 2) { swap(&from, &to) }
        let isControl = !dice.once(in: 3)
        var target = dice.once(in: 12) ? dice.pick(routers) : address(of: binding)
        if dice.once(in: 12) { (from, target) = (dice.pick(linkLocals), dice.pick(linkLocals)) }  // two to claim at once
        if isControl, dice.once(in: 3) { (from, to) = (dice.once(in: 2) ? .unspecified : from, dice.once(in: 4) ? to : target.solicitedNodeGroup) }
        var upper = isControl ? control(target: target, mac: mac) : upper6()
        if upper.proto == 58, upper.bytes[0] == 134, dice.once(in: 2) { from = dice.pick(routers) }
        if dice.once(in: 12) { upper.bytes = Array(upper.bytes.prefix(dice.below(30))) }
        var chain = dice.once(in: 4) ? extensionHeaders(then: upper.proto) : (first: upper.proto, bytes: [])
        if dice.once(in: 30) { chain.bytes = Array(chain.bytes.prefix(dice.below(chain.bytes.count + 1))) }
        let payload = chain.bytes + upper.bytes
        var header: [UInt8] = [0x60, 0, 0, 0] + word(UInt16(truncatingIfNeeded: payload.count))
        header += [chain.first, dice.once(in: 12) ? 64 : upper.hopLimit] + from.bytes + to.bytes
        if dice.once(in: 20) { header[0] = dice.byte() }
        if dice.once(in: 15) { (header[4], header[5]) = (0, dice.once(in: 2) ? 0 : UInt8(dice.below(80))) }
        return [0x86, 0xdd] + header + payload
    }

    private func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }

    /// One or more headers, in any order, sometimes too many, too long, or cut.
    private mutating func extensionHeaders(then proto: UInt8) -> (first: UInt8, bytes: [UInt8]) {
        var kinds: [UInt8] = []
        let count = dice.once(in: 10) ? 6 + dice.below(5) : 1 + dice.below(3)
        for index in 0..<count {
            kinds.append(index == 0 && dice.once(in: 2) ? 0 : dice.pick([60, 60, 43, 44, 51, dice.once(in: 6) ? 0 : 60]))
        }
        var bytes: [UInt8] = []
        for (index, kind) in kinds.enumerated() {
            let next = index + 1 < kinds.count ? kinds[index + 1] : proto
            switch kind {
            case 44: bytes += [next, 0] + word(dice.pick([0, 0, 1, 8, 9, 0x5b8, 6])) + dice.bytes(4)
            case 51: bytes += [next, 4] + dice.bytes(22)
            default:
                let eights = dice.once(in: 8) ? dice.below(40) : dice.below(2)
                var body = dice.bytes(6 + eights * 8)
                if kind == 43 { body[0] = dice.pick([0, 2, 3, 4]) }
                bytes += [next, UInt8(eights)] + body
            }
        }
        return (kinds[0], bytes)
    }

    private mutating func upper6() -> (proto: UInt8, bytes: [UInt8], hopLimit: UInt8) {
        let known: [UInt16] = [546, 547, 53, 67, 68, 40000]
        switch dice.below(5) {
        case 0: return (6, dice.bytes(20), 64)
        case 1: return (dice.pick([59, 50, 135, 139, 41, 4, 253]), dice.bytes(dice.below(20)), 64)
        default:
            // A DHCPv6 message's type, a relay's among them, is the first byte.
            let message = Array(([dice.once(in: 2) ? dice.pick([1, 3, 11, 12, 13, 14]) : dice.byte()] + dice.bytes(5)).prefix(dice.below(6)))
            return (17, word(dice.pick(known)) + word(dice.pick(known)) + [0, 12, 0, 0] + message, 64)
        }
    }

    private mutating func control(target: IPv6Address, mac: MACAddress) -> (proto: UInt8, bytes: [UInt8], hopLimit: UInt8) {
        let code: UInt8 = dice.once(in: 20) ? 1 : 0
        switch dice.below(14) {
        case 0: return (58, [dice.pick([128, 129, 1, 2, 3, 4]), code, 0, 0] + dice.bytes(8), 64)
        case 1: return (58, [dice.pick([130, 131, 132, 143]), code, 0, 0, 0, 0, 0, 0] + target.bytes, 1)
        case 2, 12: return (58, [dice.pick([133, 133, 133, 133, 141, 142]), code, 0, 0, 0, 0, 0, 0] + options(mac), 255)
        case 3: return (58, [134, code, 0, 0] + dice.bytes(12) + options(mac), 255)
        case 4: return (58, [137, code, 0, 0, 0, 0, 0, 0] + target.bytes + dice.bytes(16) + options(mac), 255)
        case 5: return (58, [138 + UInt8(dice.below(18)), code, 0, 0] + dice.bytes(12), 255)
        case 6, 7, 8: return (58, [135, code, 0, 0, 0, 0, 0, 0] + target.bytes + options(mac), 255)
        default: return (58, [136, code, 0, 0, dice.pick([0, 0x20, 0x40, 0x60, 0x80, 0xe0]), 0, 0, 0] + target.bytes + options(mac), 255)
        }
    }

    /// ND options: none, right ones, wrong ones, too many, cut.
    private mutating func options(_ mac: MACAddress) -> [UInt8] {
        var bytes: [UInt8] = []
        let count = dice.once(in: 40) ? 30 + dice.below(5) : dice.pick([0, 0, 1, 1, 1, 2, 3])
        for _ in 0..<count {
            let type: UInt8 = dice.pick(count < 30 ? [1, 2, 2, 1, 3, 14] : [3, 14])
            let holder = count < 30 && dice.once(in: 6) ? MACAddress(rawValue: dice.next()) : mac
            let length: UInt8 = count < 30 && dice.once(in: 10) ? dice.pick([0, 2, 3, 255]) : 1
            bytes += [type, length] + holder.bytes
            if length == 2, dice.once(in: 2) { bytes += dice.bytes(8) }
        }
        if dice.once(in: 20) { bytes += dice.bytes(1 + dice.below(7)) }
        return bytes
    }
}
