import Foundation
import Testing
import Yams

/// The OpenAPI document, and whether values are as it says: the part of JSON Schema (draft 2020-12) that it uses. A keyword
/// that isn't known here is an error, so that none is taken for granted.
struct Document {
    let root: [String: Any]

    init(_ bytes: [UInt8]) throws {
        root = try #require(try Yams.load(yaml: String(decoding: bytes, as: UTF8.self)) as? [String: Any])
    }

    struct Operation {
        var method: String
        var path: String
        var value: [String: Any]
    }

    var operations: [Operation] {
        let paths = root["paths"] as? [String: [String: Any]] ?? [:]
        return paths.flatMap { path, item in
            item.compactMap { method, value in (value as? [String: Any]).map { Operation(method: method.uppercased(), path: path, value: $0) } }
        }
    }

    /// What `#/components/…` stands for, and what has no reference as it is.
    func resolved(_ value: [String: Any]) throws -> [String: Any] {
        guard let reference = value["$ref"] as? String else { return value }
        let keys = reference.split(separator: "/").dropFirst()
        let found = keys.reduce(root as Any?) { ($0 as? [String: Any])?[String($1)] }
        var target = try #require(found as? [String: Any], "\(reference) isn't there")
        // A description beside a reference is meant for this place.
        for (key, own) in value where key != "$ref" { target[key] = own }
        return try resolved(target)
    }

    /// The schema of an answer; nil where the operation has no such answer.
    func schema(_ method: String, _ path: String, status: Int, type: String = "application/json") throws -> [String: Any]? {
        let operation = try #require(operations.first { $0.method == method && $0.path == path }, "\(method) \(path)")
        guard let response = (operation.value["responses"] as? [String: [String: Any]])?["\(status)"] else { return nil }
        let content = try resolved(response)["content"] as? [String: [String: Any]]
        return content?[type]?["schema"] as? [String: Any]
    }

    // MARK: Validating

    private static let annotations: Set<String> = ["description", "format", "example", "summary", "title", "$ref"]

    /// What is wrong with a value, each with its place; empty if nothing is.
    func faults(of value: Any, by schema: [String: Any], at place: String = "$") throws -> [String] {
        let schema = try resolved(schema)
        var faults: [String] = []
        func fault(_ words: String) { faults.append("\(place): \(words)") }
        for (keyword, rule) in schema.sorted(by: { $0.key < $1.key }) {
            switch keyword {
            case "type": if !Self.isOf(rule as? String ?? "", value) { fault("is no \(rule)") }
            case "const": if !Self.equal(rule, value) { fault("isn't \(rule)") }
            case "enum": if !(rule as? [Any] ?? []).contains(where: { Self.equal($0, value) }) { fault("\(value) isn't one of \(rule)") }
            case "minimum": if let number = (value as? NSNumber)?.doubleValue, number < Self.number(rule) { fault("is less than \(rule)") }
            case "maximum": if let number = (value as? NSNumber)?.doubleValue, number > Self.number(rule) { fault("is more than \(rule)") }
            case "minLength": if let text = value as? String, Double(text.unicodeScalars.count) < Self.number(rule) { fault("is too short") }
            case "maxLength": if let text = value as? String, Double(text.unicodeScalars.count) > Self.number(rule) { fault("is too long") }
            case "minItems": if let items = value as? [Any], Double(items.count) < Self.number(rule) { fault("has too few") }
            case "maxItems": if let items = value as? [Any], Double(items.count) > Self.number(rule) { fault("has too many") }
            case "pattern":
                if let text = value as? String, try text.firstMatch(of: Regex(rule as? String ?? "")) == nil { fault("isn't like \(rule)") }
            case "required":
                for key in rule as? [String] ?? [] where value is [String: Any] && (value as? [String: Any])?[key] == nil { fault("has no \(key)") }
            case "items":
                for (index, item) in (value as? [Any] ?? []).enumerated() {
                    faults += try self.faults(of: item, by: rule as? [String: Any] ?? [:], at: "\(place)[\(index)]")
                }
            case "properties", "additionalProperties": break  // together, below
            case let other where Self.annotations.contains(other): break
            default: throw Unknown(keyword: keyword)
            }
        }
        if let object = value as? [String: Any] { faults += try self.faults(of: object, by: schema, at: place) }
        return faults
    }

    private func faults(of object: [String: Any], by schema: [String: Any], at place: String) throws -> [String] {
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        return try object.sorted { $0.key < $1.key }.flatMap { key, value -> [String] in
            if let own = properties[key] { return try faults(of: value, by: own, at: "\(place).\(key)") }
            switch schema["additionalProperties"] {
            case let others as [String: Any]: return try faults(of: value, by: others, at: "\(place).\(key)")
            case false as Bool: return ["\(place): has \(key), which isn't in the document"]
            default: return []
            }
        }
    }

    struct Unknown: Error {
        var keyword: String
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "string": value is String
        case "boolean": isBoolean(value)
        case "integer": !isBoolean(value) && (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } == true
        case "number": !isBoolean(value) && value is NSNumber || value is Double
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }

    /// From JSON, true is a number of its own kind; from YAML, it is a Bool.
    private static func isBoolean(_ value: Any) -> Bool {
        if let number = value as? NSNumber { return CFBooleanLike.isBoolean(number) }
        return value is Bool
    }

    private static func equal(_ rule: Any, _ value: Any) -> Bool {
        if let rule = rule as? String { return rule == value as? String }
        return number(rule) == (value as? NSNumber)?.doubleValue
    }

    private static func number(_ rule: Any) -> Double {
        switch rule {
        case let number as Int: Double(number)
        case let number as Double: number
        default: .nan
        }
    }
}

private enum CFBooleanLike {
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
