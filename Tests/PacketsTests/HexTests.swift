import Packets
import Testing

@Suite struct HexTests {
    @Test(arguments: [
        "00163e38b4ac", "00 16 3E 38 B4 AC", "00:16:3e:38:b4:ac", "0x00163e38b4ac", "0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac", "00163e\n 38b4ac\r\n",
        "0016 3e38 b4ac",
    ])
    func `reads bytes however they are spaced`(text: String) throws {
        #expect(try Hex.bytes(parsing: text) == [0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac])
    }

    @Test func `nothing is no bytes`() throws {
        #expect(try Hex.bytes(parsing: " \n") == [])
    }

    @Test func `says what is wrong and where`() {
        #expect(throws: Hex.ParseError.notADigit(scalar: UInt8(ascii: "g"), offset: 3)) { try Hex.bytes(parsing: "00 g0") }
        #expect(throws: Hex.ParseError.notADigit(scalar: UInt8(ascii: "g"), offset: 4)) { try Hex.bytes(parsing: "00 0g") }
        #expect(throws: Hex.ParseError.halfByte(offset: 3)) { try Hex.bytes(parsing: "00 0") }
        #expect(throws: Hex.ParseError.halfByte(offset: 0)) { try Hex.bytes(parsing: "0:16") }
        #expect(throws: Hex.ParseError.halfByte(offset: 0)) { try Hex.bytes(parsing: "0x") }
        #expect(throws: Hex.ParseError.self) { try Hex.bytes(parsing: "0x0x00") }
        #expect(Hex.ParseError.notADigit(scalar: 0x1b, offset: 0).description.hasPrefix("\\u{1B} at offset 0"))
    }

    @Test func `prints what it reads`() throws {
        #expect(Hex.text([0, 0x16, 0xff]) == "0016ff" && Hex.text([0, 0x16, 0xff], separator: " ") == "00 16 ff")
        for frame in Samples.frames { #expect(try Hex.bytes(parsing: Hex.text(frame.bytes)) == frame.bytes) }
    }
}
