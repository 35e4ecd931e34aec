import Doctor
import EventStore
import HTTPTypes
import Hummingbird
import Reporting

extension API {
    /// What is in force.
    var statusRoutes: [Route] {
        [Route(.get, "/v1/status", status), Route(.get, "/v1/status/{port}", portStatus), Route(.get, "/v1/doctor", doctor)]
    }

    @Sendable private func status(_ call: Call) async throws -> Response {
        _ = try call.query()
        return try await lanes.readings.run { try JSONText.response(try observed()) }
    }

    /// With what is known of guests in audit mode from longer ago than the counters tell.
    private func observed() throws -> HostStatus {
        var status = try HostStatus.observe(try datapath())
        if status.hasAudits { status.judgeAudits(by: History.observe(StateFolder(configuration.stateFolder), ofAuditsAlone: true)) }
        return status
    }

    @Sendable private func portStatus(_ call: Call) async throws -> Response {
        _ = try call.query()
        let port = try call.parameter("port")
        return try await lanes.readings.run {
            let status = try observed()
            do {
                return try JSONText.response(try status.only(port))
            } catch let error as Failure {
                throw Problem.notFound(error.description)
            }
        }
    }

    /// Looks at everything, which takes a second or two: one such look after the other.
    @Sendable private func doctor(_ call: Call) async throws -> Response {
        _ = try call.query()
        let (path, pins, state) = (configuration.policyPath, configuration.pins, StateFolder(configuration.stateFolder))
        return try await lanes.diagnosis.runTask {
            try JSONText.response(try await Doctor.examine(policy: path, pins: pins, stateFolder: state))
        }
    }
}
