/// The number's bytes in the order of the wire.
func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    stride(from: type(of: number).bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
}

extension [UInt8] {
    /// Writes a 16-bit number at `offset`, if there is room for it.
    mutating func write(_ number: UInt16, at offset: Int) {
        guard offset >= 0, offset + 2 <= count else { return }
        self[offset] = UInt8(number >> 8)
        self[offset + 1] = UInt8(number & 0xff)
    }

    /// With zeros at the end up to a multiple of `unit`.
    func padded(to unit: Int) -> [UInt8] { self + repeatElement(0, count: (unit - count % unit) % unit) }
}
