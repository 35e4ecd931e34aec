import Glibc

/// An object file as Swift source: one static base64 string, which the compiler takes at once where an array literal of
/// as many bytes takes it minutes.
struct EmbeddedObject {
    let bytes: [UInt8]

    func write(to path: String) throws {
        let text = """
            // Made by the build from guard.bpf.c.
            enum EmbeddedDatapathObject {
                static let base64: StaticString = "\(base64)"
                static let count = \(bytes.count)
            }

            """
        guard let file = fopen(path, "w") else { throw CompilerError("can't write \(path): \(String(cString: strerror(errno)))") }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0 else { throw CompilerError("can't write \(path): \(String(cString: strerror(errno)))") }
    }

    /// RFC 4648 section 4, padded.
    private var base64: String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? digits[value >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

func readFile(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw CompilerError("can't read \(path): \(String(cString: strerror(errno)))") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    guard ferror(file) == 0 else { throw CompilerError("can't read \(path): \(String(cString: strerror(errno)))") }
    return bytes
}
