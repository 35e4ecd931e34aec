import Foundation
import HTTPTypes
import Hummingbird

/// JSON as it is sent: keys in order, and nothing in it that could steer the terminal of who prints it.
enum JSONText {
    static let mediaType = "application/json"

    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return escaped(Array(try encoder.encode(value)) + [0x0a])
    }

    /// Characters beyond ASCII are within strings, so each may be written as an escape (RFC 8259, section 7).
    private static func escaped(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: { $0 >= 0x7f }) else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            if scalar.isASCII && scalar.value < 0x7f || isHarmless(scalar) {
                result += Array(UTF8.encode(scalar)!)
            } else {
                for unit in Array(UTF16.encode(scalar)!) {
                    let digits = String(unit, radix: 16)
                    result += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
                }
            }
        }
        return result
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }

    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: mediaType], body: ResponseBody(byteBuffer: ByteBuffer(bytes: try bytes(value))))
    }

    // MARK: Reading

    /// Reads a value, and refuses what it has no place for: a misspelt key would be as good as left out.
    static func value<Value: Codable>(_ type: Value.Type, from bytes: [UInt8]) throws(Problem) -> Value {
        let given: Any
        let value: Value
        do {
            given = try JSONSerialization.jsonObject(with: Data(bytes))
            value = try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .malformed(words(error))
        } catch {
            throw .malformed("the body isn't JSON")
        }
        let known = try? JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
        if let path = firstUnknown(given, known ?? [:], at: "") {
            throw .malformed("the body's \"\(path)\" is unknown here, or null: /v1/openapi.yaml lists what there is; leave out what isn't meant")
        }
        return value
    }

    /// The path of the first key that isn't among those of the value that was read.
    private static func firstUnknown(_ given: Any, _ known: Any, at path: String) -> String? {
        if let given = given as? [String: Any] {
            let known = known as? [String: Any] ?? [:]
            for key in given.keys.sorted() {
                let place = path.isEmpty ? key : "\(path).\(key)"
                guard let value = known[key] else { return place }
                if let found = firstUnknown(given[key] as Any, value, at: place) { return found }
            }
        } else if let given = given as? [Any], let known = known as? [Any] {
            for (index, pair) in zip(given, known).enumerated() {
                if let found = firstUnknown(pair.0, pair.1, at: "\(path)[\(index)]") { return found }
            }
        }
        return nil
    }

    private static func words(_ error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the body" : "the body's \"\(path.map(\.stringValue).joined(separator: "."))\""
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context): return "\(place(context.codingPath)) is of the wrong kind: /v1/openapi.yaml says which it must be"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) must not be null: leave it out"
        case .dataCorrupted(let context) where context.codingPath.isEmpty: return "the body isn't JSON"
        case .dataCorrupted(let context): return "\(place(context.codingPath)) can't be read"
        @unknown default: return "the body can't be read"
        }
    }
}
