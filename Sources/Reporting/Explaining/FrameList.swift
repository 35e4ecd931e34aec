import Packets

/// Frames as files keep them.
package enum FrameList {
    /// A capture file, or frames in hexadecimal, one a line; lines that are empty or begin with # don't count.
    package static func packets(in bytes: [UInt8], called name: String) throws -> [CaptureFile.Packet] {
        do throws(CaptureError) {
            return try CaptureFile(parsing: bytes).packets
        } catch .notACapture where bytes.allSatisfy({ $0 < 0x80 && ($0 >= 0x20 || 9...13 ~= $0) }) {
            return try frames(in: String(decoding: bytes, as: UTF8.self), called: name)
        } catch {
            throw Failure("\(name): \(error)")
        }
    }

    private static func frames(in text: String, called name: String) throws -> [CaptureFile.Packet] {
        var packets: [CaptureFile.Packet] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.first == "#" || line.allSatisfy(\.isWhitespace) { continue }
            do throws(Hex.ParseError) {
                packets.append(CaptureFile.Packet(bytes: try Hex.bytes(parsing: String(line))))
            } catch {
                throw Failure("\(name), line \(number + 1): neither a capture nor frames in hexadecimal: \(error)")
            }
        }
        guard !packets.isEmpty else { throw Failure("\(name) is empty: give a capture, or frames in hexadecimal, one a line") }
        return packets
    }
}
