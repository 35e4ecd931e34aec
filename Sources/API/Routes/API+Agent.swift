import HTTPTypes
import Hummingbird
import Reporting

extension API {
    /// About the agent and this program.
    var agentRoutes: [Route] {
        [
            Route(.get, "/metrics", metrics),
            Route(.get, "/v1/health", health),
            Route(.get, "/v1/version", version),
            Route(.get, "/v1/openapi.yaml", document),
        ]
    }

    @Sendable private func health(_ call: Call) async throws -> Response {
        _ = try call.query()
        let report = HealthReport(agent.health(), now: WallClock.now.nanoseconds)
        return try JSONText.response(report, status: report.status == .ok ? .ok : .serviceUnavailable)
    }

    @Sendable private func version(_ call: Call) async throws -> Response {
        _ = try call.query()
        return try JSONText.response(try await lanes.readings.run { try VersionFacts() })
    }

    @Sendable private func document(_ call: Call) async throws -> Response {
        _ = try call.query()
        return Response(
            status: .ok, headers: [.contentType: "application/yaml"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: Self.openAPI)))
    }

    /// The OpenAPI document of what there is.
    static var openAPI: [UInt8] { PackageResources.openapi_yaml }

    @Sendable private func metrics(_ call: Call) async throws -> Response {
        _ = try call.query()
        let page = try await lanes.metrics.run { try MetricsPage(agent.health(), pins: configuration.pins).text }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page)))
    }
}
