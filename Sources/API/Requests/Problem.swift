import Enforcement
import Foundation
import HTTPTypes
import Hummingbird
import PolicyText
import Reporting

/// Why a request isn't answered as it hoped: `application/problem+json` (RFC 9457).
struct Problem: Error, Encodable {
    static let mediaType = "application/problem+json"

    var status: HTTPResponse.Status
    /// The same for each problem of this kind.
    var title: String
    /// What is wrong this time, and what to do.
    var detail: String
    /// Everything that is wrong with a policy or a binding.
    var problems: [ConfigurationError]?
    /// What was done all the same.
    var report: Report?
    /// What else the answer's head says.
    var headers = HTTPFields()

    /// - Parameter detail: may hold what a client has sent; it is made visible here.
    init(_ status: HTTPResponse.Status, _ title: String, _ detail: String, problems: [ConfigurationError]? = nil, report: Report? = nil) {
        self.status = status
        self.title = title
        self.detail = detail.visibleLines
        self.problems = problems
        self.report = report
    }

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, problems, report
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("about:blank", forKey: .type)
        try container.encode(title, forKey: .title)
        try container.encode(status.code, forKey: .status)
        try container.encode(detail, forKey: .detail)
        try container.encodeIfPresent(problems, forKey: .problems)
        try container.encodeIfPresent(report, forKey: .report)
    }

    var json: [UInt8] { (try? JSONText.bytes(self)) ?? Array("{}".utf8) }

    var response: Response {
        var fields = headers
        fields[.contentType] = Self.mediaType
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}

extension Problem {
    static func malformed(_ detail: String) -> Problem { Problem(.badRequest, "Malformed request", detail) }

    static func notFound(_ detail: String) -> Problem { Problem(.notFound, "Not found", detail) }

    static func refused(_ detail: String) -> Problem { Problem(.conflict, "Refused", detail) }

    static func notTaken(_ detail: String, _ problems: [ConfigurationError]? = nil) -> Problem {
        Problem(.unprocessableContent, "Not taken", detail, problems: problems)
    }

    static func tooLarge(_ detail: String) -> Problem { Problem(.contentTooLarge, "Too large", detail) }

    static func wrongMethod(allowed: [HTTPRequest.Method]) -> Problem {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        var problem = Problem(.methodNotAllowed, "Method not allowed", "what is at this path takes \(names)")
        problem.headers[.allow] = names
        return problem
    }

    static func wrongType(_ types: [String]) -> Problem {
        var problem = Problem(
            .unsupportedMediaType, "Unsupported media type",
            "this takes \(types.joined(separator: " or ")): say so in Content-Type, without Content-Encoding")
        problem.headers[.accept] = types.joined(separator: ", ")
        return problem
    }

    static var unauthorized: Problem {
        var problem = Problem(
            .unauthorized, "Not authorized", "show the token of the agent's --token-file: 'Authorization: Bearer TOKEN'")
        problem.headers[.wwwAuthenticate] = "Bearer"
        return problem
    }

    static func unavailable(_ detail: String) -> Problem { Problem(.serviceUnavailable, "Unavailable", detail) }

    static var busy: Problem {
        var problem = unavailable("too much is asked for at once: try again in a moment")
        problem.headers[.retryAfter] = "1"
        return problem
    }

    static var tooManyConnections: Problem { unavailable("there are too many connections: close some, and try again") }
}
