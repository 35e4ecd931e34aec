import Packets

/// Frames as files keep them.
package enum FrameList {
    /// A capture file, or frames in hexadecimal, one a line; lines that are empty or begin with # don't count.
    ///
    /// - Parameter limit: of frames; `CaptureError.tooMany` is thrown where there are more.
    package static func packets(in bytes: [UInt8], called name: String, atMost limit: Int = .max) throws -> [CaptureFile.Packet] {
        do throws(CaptureError) {
            return try CaptureFile(parsing: bytes, atMost: limit).packets
        } catch .notACapture where bytes.allSatisfy({ $0 < 0x80 && ($0 >= 0x20 || 9...13 ~= $0) }) {
            return try frames(in: bytes, called: name, atMost: limit)
        } catch .tooMany {
            throw CaptureError.tooMany(limit: limit)
        } catch {
            throw Failure("\(name): \(error)")
        }
    }

    /// Line by line: a list of all lines would take many times the text's memory.
    private static func frames(in text: [UInt8], called name: String, atMost limit: Int) throws -> [CaptureFile.Packet] {
        var packets: [CaptureFile.Packet] = []
        var number = 0
        var rest = text[...]
        while let line = nextLine(&rest) {
            number += 1
            if line.first == UInt8(ascii: "#") || line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            guard packets.count < limit else { throw CaptureError.tooMany(limit: limit) }
            do throws(Hex.ParseError) {
                packets.append(CaptureFile.Packet(bytes: try Hex.bytes(parsing: String(decoding: line, as: UTF8.self))))
            } catch {
                throw Failure("\(name), line \(number): neither a capture nor frames in hexadecimal: \(error)")
            }
        }
        guard !packets.isEmpty else { throw Failure("\(name) is empty: give a capture, or frames in hexadecimal, one a line") }
        return packets
    }

    /// Up to the next end of a line (any of ASCII's, or a carriage return and a line feed together), which is taken away, too.
    private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let line = rest.prefix { !(0x0a...0x0d).contains($0) }
        rest = rest.dropFirst(line.count)
        if rest.starts(with: [0x0d, 0x0a]) { rest.removeFirst() }
        rest = rest.dropFirst()
        return line
    }
}
