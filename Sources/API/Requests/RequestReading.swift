import HTTPTypes
import Policy
import PolicyText

/// What clients send, read as requests read it and without a server, a policy or a kernel: any bytes are taken or refused.
public enum RequestReading {
    /// Why something was refused: HTTP's status and the text of the answer.
    public struct Refusal: Error {
        public let status: Int
        public let body: [UInt8]

        fileprivate init(_ problem: Problem) {
            status = problem.status.code
            body = problem.json
        }
    }

    /// The query of `/v1/events`. The result: an equal question has the same.
    public static func events(query: String) throws(Refusal) -> String {
        try refusing {
            let question = try EventQuestion(query, mostOf: 1000, else: 100)
            return "\(question.filter) \(question.limit) \(question.place.map(EventQuestion.word) ?? "")"
        }
    }

    /// The body of `/v1/ports/{port}/attach`.
    public static func attachment(_ body: [UInt8], port: String) throws(Refusal) -> GuestInterface {
        try refusing { try AttachBody(body, port: port).interface }
    }

    /// The answer to `/v1/explain`.
    public static func explanation(_ body: [UInt8], query: String, by policy: HostPolicy) throws(Refusal) -> [UInt8] {
        try refusing { try JSONText.bytes(try API.Question(query: query).answer(about: body, by: policy)) }
    }

    /// The answer to `/v1/policy/check`.
    public static func policyCheck(_ body: [UInt8]) throws(Refusal) -> [UInt8] {
        try refusing { try JSONText.bytes(checkedPolicy(body)) }
    }

    /// `Authorization` of a request that comes by TCP.
    public static func isToken(_ token: [UInt8], shownBy header: String) -> Bool { BearerToken(token)?.isShown(by: header) == true }

    private static func refusing<Value>(_ body: () throws -> Value) throws(Refusal) -> Value {
        do { return try body() } catch { throw Refusal(Problem(error)) }
    }
}
