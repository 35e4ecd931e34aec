import Foundation
import HTTPTypes
import NIOCore
import Policy
import Reporting
import Testing

@testable import API

/// The document says what there is, and what there is is as the document says.
@Suite(.timeLimit(.minutes(10)))
struct OpenAPITests {
    private let document: Document

    init() throws { document = try Document(API.openAPI) }

    @Test func `every route is in the document, and nothing else`() throws {
        let fixture = try APIFixture()
        let routes = fixture.api.routes.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(routes).count == routes.count)
        #expect(Set(routes) == Set(document.operations.map { "\($0.method) \($0.path)" }))
    }

    @Test func `it is this version's, of OpenAPI 3.1, and each operation has a name of its own`() throws {
        #expect(document.root["openapi"] as? String == "3.1.0")
        #expect((document.root["info"] as? [String: Any])?["version"] as? String == VersionFacts.current)
        let names = document.operations.compactMap { $0.value["operationId"] as? String }
        #expect(names.count == document.operations.count && Set(names).count == names.count)
        for operation in document.operations {
            let inPath = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
            let declared = try (operation.value["parameters"] as? [[String: Any]] ?? []).map(document.resolved)
                .filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
            #expect(Set(inPath.map(String.init)) == Set(declared), "\(operation.path)")
        }
    }

    @Test func `it is served, as it is`() async throws {
        let answer = try await APIFixture().ask(.get, "/v1/openapi.yaml")
        #expect(answer.status == .ok && Array(answer.body.readableBytesView) == API.openAPI)
    }

    @Test func `the words it lists are those that there are`() throws {
        let schemas = try #require((document.root["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])
        #expect(schemas["Reason"]?["enum"] as? [String] == Reason.allCases.map(\.name))
        #expect(schemas["Direction"]?["enum"] as? [String] == Direction.allCases.map(\.name))
        #expect(schemas["Severity"]?["enum"] as? [String] == Severity.allCases.map(\.rawValue))
    }

    @Test func `every reference leads somewhere, and every example is as its schema says`() throws {
        var examples = 0
        func visit(_ value: Any, _ place: String) throws {
            if let object = value as? [String: Any] {
                if object["$ref"] is String { _ = try document.resolved(object) }
                if let example = object["example"], let schema = object["schema"] as? [String: Any] {
                    examples += 1
                    let json = try JSONSerialization.jsonObject(
                        with: JSONSerialization.data(withJSONObject: example, options: .fragmentsAllowed), options: .fragmentsAllowed)
                    #expect(try document.faults(of: json, by: schema) == [], "\(place)")
                }
                for (key, inner) in object where key != "example" { try visit(inner, "\(place)/\(key)") }
            } else if let list = value as? [Any] {
                for inner in list { try visit(inner, place) }
            }
        }
        try visit(document.root, "#")
        #expect(examples > 20)
    }

    @Test func `answers are as the document says`() async throws {
        let fixture = try APIFixture()
        let frame = "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000202 000000000000 c00002fe"
        let binding = #"{"bridge": "br0", "macs": ["02:00:00:00:00:01"], "addresses": ["192.0.2.999"]}"#
        for (method, path, target, type, body, status) in [
            ("GET", "/v1/policy", "/v1/policy", "", "", 200), ("GET", "/v1/health", "/v1/health", "", "", 200),
            ("GET", "/v1/version", "/v1/version", "", "", 200), ("GET", "/v1/doctor", "/v1/doctor", "", "", 200),
            ("GET", "/v1/version", "/v1/version?x", "", "", 400),
            ("POST", "/v1/policy/check", "/v1/policy/check", "text/yaml", "bridges: {br0: {uplink: [e]}}", 200),
            ("POST", "/v1/policy/check", "/v1/policy/check", "text/html", "", 415),
            ("POST", "/v1/explain", "/v1/explain?port=vif1.0", "text/plain", frame, 200),
            ("POST", "/v1/explain", "/v1/explain?port=x", "text/plain", frame, 422),
            ("GET", "/v1/status", "/v1/status", "", "", 503), ("GET", "/v1/status/{port}", "/v1/status/vif1.0", "", "", 503),
            ("GET", "/v1/events", "/v1/events", "", "", 503), ("POST", "/v1/apply", "/v1/apply", "", "x", 400),
            ("POST", "/v1/ports/{port}/attach", "/v1/ports/vif1.0/attach", "application/json", binding, 422),
            ("POST", "/v1/ports/{port}/detach", "/v1/ports/vif1.0/detach", "", "", 503),
        ] {
            let answer = try await fixture.ask(
                HTTPRequest.Method(method)!, target, type: type.isEmpty ? nil : type, body: body.isEmpty ? nil : body)
            #expect(answer.status.code == status, "\(target): \(answer.text)")
            let kind = try #require(answer.headers[.contentType])
            let schema = try #require(try document.schema(method, path, status: status, type: kind), "\(method) \(path) \(status) \(kind)")
            #expect(try document.faults(of: try answer.json, by: schema) == [], "\(target): \(answer.text)")
        }
    }

    @Test func `the validator finds what is wrong`() throws {
        func faults(_ json: String, _ schema: String) throws -> Int {
            let value = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
            let schema = try #require((document.root["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]])[schema]
            return try document.faults(of: value, by: try #require(schema)).count
        }
        #expect(try faults(#"{"packets": 1, "bytes": 2}"#, "Count") == 0)
        #expect(try faults(#"{"packets": 1}"#, "Count") == 1)
        #expect(try faults(#"{"packets": 1, "bytes": 2, "more": 3}"#, "Count") == 1)
        #expect(try faults(#"{"packets": "1", "bytes": true}"#, "Count") == 2)
        #expect(try faults(#"{"packets": 1.5, "bytes": -1}"#, "Count") == 2)
        #expect(try faults("[]", "Count") == 1)
        #expect(try faults("\"none\"", "Reason") == 1)
        #expect(try faults(#"{"passed": {}, "dropped": {"quiet": {}}, "wouldDrop": 1}"#, "Side") == 5)
        #expect(throws: Document.Unknown.self) { try document.faults(of: 1, by: ["type": "integer", "multipleOf": 2]) }
    }
}
