import Datapath
import EventStore
import HTTPTypes
import Hummingbird
import Logging
import Policy
import PolicyText

/// What may be asked of the agent, and the answers: the same that the commands give, as JSON.
struct API: Sendable {
    let configuration: APIConfiguration
    let agent: AgentInformation
    let logger: Logger
    let lanes: WorkLanes
    let memory: BodyMemory
    let events: EventReader
    private let policies: PolicyCache

    /// - Parameter place: where work is done that looks at the host.
    init(
        configuration: APIConfiguration, agent: AgentInformation, logger: Logger, place: @escaping WorkLane.Place = { $0() }
    ) {
        self.configuration = configuration
        self.agent = agent
        self.logger = logger
        lanes = WorkLanes(configuration.limits, place: place)
        memory = BodyMemory(configuration.limits.bodyMemory)
        events = EventReader(StateFolder(configuration.stateFolder))
        policies = PolicyCache(configuration.policyPath)
    }

    /// All there is.
    var routes: [Route] { agentRoutes + statusRoutes + policyRoutes + portRoutes + eventRoutes + explanationRoutes }

    /// - Parameter token: what has to be shown; nil where the socket's permissions say who may ask.
    func responder(token: BearerToken?) -> RouterResponder<CallContext> {
        let router = Router(context: CallContext.self, options: .autoGenerateHeadEndpoints)
        let routes = routes
        router.add(middleware: ProblemMiddleware(routes: routes, logger: logger))
        if let token { router.add(middleware: TokenMiddleware(token, logger: logger)) }
        for route in routes {
            router.on(RouterPath(route.path), method: route.method) { request, context in try await route.answer(Call(request, context)) }
        }
        return router.buildResponder()
    }

    /// Has a request answered, come what may.
    func answer(_ request: Request, from peer: Peer, by responder: RouterResponder<CallContext>) async -> Response {
        do { return try await responder.respond(to: request, context: CallContext(peer: peer, logger: logger)) } catch {
            return Problem(error).response
        }
    }

    // MARK: What routes share

    /// What is loaded, as it is.
    func datapath() throws(DatapathError) -> Datapath { try Datapath.open(pins: configuration.pins) }

    func policy() throws(ConfigurationErrors) -> HostConfiguration { try policies.load() }

    func body(_ call: Call, types: String..., atMost limit: Int = APILimits.body) async throws -> Body {
        try await Body.of(call.request, types: types, atMost: limit, in: memory)
    }
}
