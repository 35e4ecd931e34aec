import Fuzzing
import Packets

@main enum FuzzCapture {
    static func main() {
        fuzz { data, size in
            readCapture(bytes(data, size))
            return 0
        }
    }
}

/// Any bytes are a capture file, or say why they aren't; what was read can be written and read again.
private func readCapture(_ input: [UInt8]) {
    _ = try? Hex.bytes(parsing: String(decoding: input, as: UTF8.self))
    do throws(CaptureError) {
        let capture = try CaptureFile(parsing: input)
        precondition(capture.packets.reduce(0) { $0 + $1.bytes.count } <= input.count, "no packet is made up")
        precondition(capture.packets.allSatisfy { $0.originalLength >= $0.bytes.count }, "a packet isn't longer than it was")
        let again = try CaptureFile(parsing: capture.pcap())
        precondition(again.packets.map(\.bytes) == capture.packets.map(\.bytes), "what was written reads the same")
        precondition(again.packets.map(\.originalLength) == capture.packets.map(\.originalLength), "lengths survive")
    } catch {
        precondition(!error.description.isEmpty)
    }
}
