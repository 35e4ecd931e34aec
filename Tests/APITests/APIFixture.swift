import Datapath
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

@testable import API

/// The API over a policy in a folder of its own, where nothing is loaded into any kernel.
final class APIFixture: Sendable {
    let folder: URL
    let configuration: APIConfiguration
    /// What isn't well with the agent, as of the moment it is asked.
    let ailment = Mutex<@Sendable (inout AgentHealth) -> Void>({ _ in })
    /// How often the reconciler was asked for a run.
    let runs = Mutex(0)
    let lines = LogLines()

    static let policy = """
        bridges:
          br0:
            uplinks: [up0]
            gateways: [192.0.2.254]
            subnets: [192.0.2.0/24]
        guests:
          www.example.com:
            interfaces:
              - {port: vif1.0, bridge: br0, mac: "02:00:00:00:00:01", addresses: [192.0.2.1]}
        """

    /// An agent of which all is well.
    static var soundHealth: AgentHealth {
        let now = UInt64(Date.now.timeIntervalSince1970 * 1e9)
        var health = AgentHealth(startedAt: now)
        health.policy.isValid = true
        health.policy.loadedAt = now
        health.reconciler.unchanged = 3
        health.reconciler.lastRunAt = now
        health.reconciler.seenAt = now
        health.collector.readAt = now
        health.collector.isRecording = true
        return health
    }

    init(policy: String = APIFixture.policy, limits: APILimits = APILimits()) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-api-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "policy.yaml")
        try policy.write(to: file, atomically: true, encoding: .utf8)
        var configuration = APIConfiguration(
            pins: PinFolder(folder.appending(path: "pins").path), policyPath: file.path, stateFolder: folder.appending(path: "state").path,
            runFolder: folder.appending(path: "run").path, group: "no-such-group")
        configuration.limits = limits
        self.configuration = configuration
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var agent: AgentInformation {
        AgentInformation(
            health: { [unowned self] in
                var health = Self.soundHealth
                ailment.withLock { $0 }(&health)
                return health
            }, reconcile: { [unowned self] in runs.withLock { $0 += 1 } })
    }

    var logger: Logger {
        var logger = Logger(label: "test") { [lines] _ in lines }
        logger.logLevel = .trace
        return logger
    }

    var api: API { API(configuration: configuration, agent: agent, logger: logger) }

    /// Asks the router, without any socket.
    func ask(
        _ method: HTTPRequest.Method = .get, _ target: String, type: String? = nil, body: String? = nil, headers: HTTPFields = [:],
        token: BearerToken? = nil
    ) async throws -> Answer {
        try await ask(method, target, type: type, bytes: body.map { Array($0.utf8) }, headers: headers, token: token)
    }

    func ask(
        _ method: HTTPRequest.Method, _ target: String, type: String? = nil, bytes: [UInt8]?, headers: HTTPFields = [:], token: BearerToken? = nil
    ) async throws -> Answer {
        var headers = headers
        if let type { headers[.contentType] = type }
        let body = RequestBody(buffer: ByteBuffer(bytes: bytes ?? []))
        let head = HTTPRequest(method: method, scheme: nil, authority: nil, path: target, headerFields: headers)
        let api = api
        let response = await api.answer(Request(head: head, body: body), from: .local, by: api.responder(token: token))
        let writer = Collecting()
        try await response.body.write(writer)
        return Answer(status: response.status, headers: response.headers, body: writer.bytes)
    }
}

/// What the router answered.
struct Answer: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: ByteBuffer
}

/// Takes a body in.
private final class Collecting: ResponseBodyWriter {
    var bytes = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws { bytes.writeImmutableBuffer(buffer) }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension Answer {
    var text: String { String(buffer: body) }

    /// The body, which must be JSON.
    var json: Any {
        get throws { try JSONSerialization.jsonObject(with: Data(buffer: body), options: .fragmentsAllowed) }
    }

    var object: [String: Any] {
        get throws { try #require(try json as? [String: Any], "\(text)") }
    }

    /// What a problem says is wrong; the answer must be one.
    var detail: String {
        get throws {
            let object = try object
            #expect(headers[.contentType] == "application/problem+json")
            #expect(object["status"] as? Int == status.code, "\(text)")
            #expect(object["type"] as? String == "about:blank")
            #expect((object["title"] as? String)?.isEmpty == false)
            return try #require(object["detail"] as? String)
        }
    }
}

extension Data {
    init(buffer: ByteBuffer) { self.init(buffer.readableBytesView) }
}

/// Keeps what was logged.
final class LogLines: LogHandler {
    private let kept = Mutex<[String]>([])
    private let shared = Mutex((metadata: Logger.Metadata(), level: Logger.Level.trace))

    var text: String { kept.withLock { $0.joined(separator: "\n") } }

    var metadata: Logger.Metadata {
        get { shared.withLock { $0.metadata } }
        set { shared.withLock { $0.metadata = newValue } }
    }
    var logLevel: Logger.Level {
        get { shared.withLock { $0.level } }
        set { shared.withLock { $0.level = newValue } }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { kept.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") } }
}
