import HTTPTypes
import Hummingbird
import Packets
import Policy
import PolicyText
import Reporting

extension API {
    /// What becomes of frames.
    var explanationRoutes: [Route] { [Route(.post, "/v1/explain", explain)] }

    @Sendable private func explain(_ call: Call) async throws -> Response {
        let question = try Question(try call.query("port", "direction", "bridge", "guest", "tag"))
        let body = try await body(
            call, types: "application/vnd.tcpdump.pcap", "application/octet-stream", "text/plain", atMost: APILimits.framesBody)
        return try await lanes.judging.run {
            try JSONText.response(try question.answer(about: body.bytes, by: try policy().policy))
        }
    }

    /// Which port the frames cross, and how.
    struct Question: Sendable {
        private let port: String
        private let bridge: String?
        private let guest: String?
        private let direction: Direction?
        private let tag: VLANTag?

        /// - Parameter query: the text after the question mark.
        init(query: String) throws { try self.init(Query(query, known: ["port", "direction", "bridge", "guest", "tag"])) }

        init(_ query: Query) throws(Problem) {
            guard let port = query["port"] else {
                throw .malformed("say which port the frames cross: give port, or a bridge's name for the host's own side")
            }
            self.port = port
            bridge = query["bridge"]
            guest = query["guest"]
            direction = try query.choice("direction", of: Direction.allCases.map { ($0.name, $0) })
            tag = try query.number("tag", in: 0...4095).map { VLANTag(vid: UInt16($0)) }
        }

        /// - Throws: `Problem`.
        func answer(about bytes: [UInt8], by policy: HostPolicy) throws -> [Explanation] {
            var explainer = try explainer(policy)
            return try Self.packets(bytes).map { explainer.explain($0) }
        }

        private func explainer(_ policy: HostPolicy) throws -> Explainer {
            let site: ExplainedSite
            do {
                site = try ExplainedSite(policy, port: port, bridge: bridge, guest: guest)
            } catch is Failure {
                throw Problem.notTaken(
                    "the agent's policy has no port \(port) that this could be about: give a port it names, or its bridge, or the guest of an interface without a port"
                )
            }
            do {
                return try site.explainer(direction: direction, tag: tag)
            } catch let error as WrongDirection {
                throw Problem.notTaken("\(error)")
            }
        }

        private static func packets(_ bytes: [UInt8]) throws(Problem) -> [CaptureFile.Packet] {
            do {
                return try FrameList.packets(in: bytes, called: "the body", atMost: APILimits.frames)
            } catch CaptureError.tooMany(let limit) {
                throw .tooLarge("\(CaptureError.tooMany(limit: limit))")
            } catch {
                throw .malformed("\(error)")
            }
        }
    }
}
