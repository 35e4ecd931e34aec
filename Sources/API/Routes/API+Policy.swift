import Datapath
import Enforcement
import HTTPTypes
import Hummingbird
import Logging
import Policy
import PolicyText
import Reporting

extension API {
    /// About the policy, and making the host match it.
    var policyRoutes: [Route] {
        [
            Route(.get, "/v1/policy", summary),
            Route(.post, "/v1/policy/check", check),
            Route(.get, "/v1/plan", plan),
            Route(.post, "/v1/apply", apply),
        ]
    }

    @Sendable private func summary(_ call: Call) async throws -> Response {
        _ = try call.query()
        return try await lanes.readings.run { try JSONText.response(summarised { () throws(ConfigurationErrors) in try policy() }) }
    }

    @Sendable private func check(_ call: Call) async throws -> Response {
        _ = try call.query()
        let body = try await body(call, types: "application/yaml", "text/yaml", "text/plain")
        return try await lanes.checking.run { try JSONText.response(checkedPolicy(body.bytes)) }
    }

    @Sendable private func plan(_ call: Call) async throws -> Response {
        _ = try call.query()
        return try await lanes.readings.run {
            let configuration = try ownPolicy()
            return try JSONText.response(Plan(configuration.policy, on: try HostState.observe(datapath: try datapathIfLoaded())))
        }
    }

    /// The policy, if it names the engine that the agent is for.
    func ownPolicy() throws -> HostConfiguration {
        let configuration = try policy()
        guard configuration.engine == .ebpf else {
            throw Problem(
                .conflict, "The policy names another engine", "it says engine: classic, which no agent watches over: run 'vifguard apply' on the host"
            )
        }
        return configuration
    }

    private func datapathIfLoaded() throws(DatapathError) -> Datapath? {
        do throws(DatapathError) { return try datapath() } catch .notLoaded { return nil }
    }

    /// Like the command: loads what isn't loaded, and exchanges another version's programs, and maps that don't fit.
    @Sendable private func apply(_ call: Call) async throws -> Response {
        _ = try call.query()
        try await Body.none(call.request)
        let report = try await lanes.changes.run {
            let configuration = try ownPolicy()
            let loaded = try Loading.load(
                configuration.policy, pins: self.configuration.pins, stampBit: configuration.stampBit, ports: configuration.maximumPorts)
            if let move = loaded.move { logger.warning("\(move)") }
            return try Apply.perform(configuration.policy, datapath: loaded.datapath)
        }
        return try finish(report, "apply", asked: call.peer)
    }

    /// Logs what was done and for whom, has the reconciler look, and tells of it.
    func finish(_ report: Report, _ action: String, asked peer: Peer) throws -> Response {
        logger.notice(
            "\(action.visible)",
            metadata: [
                "peer": "\(peer)", "steps": "\(report.stepsDone)", "failures": "\(report.failures.count + report.plan.faults.count)",
            ])
        agent.reconcile()
        guard report.succeeded else {
            var words = report.plan.faults.map(\.description) + report.failures.map(\.description)
            if words.count > 10 { words = words.prefix(10) + ["and \(words.count - 10) more, which the report lists"] }
            throw Problem(.conflict, "Not all could be done", words.joined(separator: "; "), report: report)
        }
        return try JSONText.response(report)
    }
}

/// What a policy at hand comes to.
func checkedPolicy(_ bytes: [UInt8]) -> PolicySummary {
    summarised { () throws(ConfigurationErrors) in try PolicyFiles.parse(bytes, file: "body") }
}

private func summarised(_ read: () throws(ConfigurationErrors) -> HostConfiguration) -> PolicySummary {
    do throws(ConfigurationErrors) { return PolicySummary(try read()) } catch { return PolicySummary(problems: error.errors) }
}
