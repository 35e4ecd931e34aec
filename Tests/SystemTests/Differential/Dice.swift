/// Chance that can be repeated: SplitMix64, by a seed.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// 0 ..< bound.
    mutating func roll(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 33) % bound }

    /// True once in `n`.
    mutating func once(in n: Int) -> Bool { roll(n) == 0 }

    mutating func pick<T>(_ choices: [T]) -> T { choices[roll(choices.count)] }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 32) }
    mutating func word() -> UInt16 { UInt16(truncatingIfNeeded: next() >> 32) }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for _ in 0..<count { bytes.append(byte()) }
        return bytes
    }
}
