import HTTPTypes
import Hummingbird
import Logging

/// What a request is answered in: who asks, beside what Hummingbird keeps.
struct CallContext: RequestContext {
    typealias Source = ApplicationRequestContextSource

    var coreContext: CoreRequestContextStorage
    var peer = Peer.local

    init(source: ApplicationRequestContextSource) { coreContext = CoreRequestContextStorage(source: source) }

    init(peer: Peer, logger: Logger) {
        coreContext = CoreRequestContextStorage(source: Origin(logger: logger))
        self.peer = peer
    }

    private struct Origin: RequestContextSource { var logger: Logger }
}

/// A request on its way to the route that answers it.
struct Call: Sendable {
    let request: Request
    let peer: Peer
    private let parameters: Parameters

    init(_ request: Request, _ context: CallContext) {
        self.request = request
        peer = context.peer
        parameters = context.parameters
    }

    /// What stands in the path for `{name}`.
    func parameter(_ name: String) throws(Problem) -> String {
        guard let raw = parameters.get(name), let text = Query.decoded(raw[...], plusIsBlank: false), !text.isEmpty else {
            throw .malformed("the path can't be read: write what isn't a letter or digit as % and two hexadecimal digits, in UTF-8")
        }
        return text
    }

    func query(_ known: String...) throws(Problem) -> Query { try Query(request.uri.query, known: known) }
}

/// Something that may be asked for.
struct Route: Sendable {
    /// A GET may be asked as HEAD, too.
    let method: HTTPRequest.Method
    /// As the OpenAPI document has it.
    let path: String
    let answer: @Sendable (Call) async throws -> Response

    init(_ method: HTTPRequest.Method, _ path: String, _ answer: @escaping @Sendable (Call) async throws -> Response) {
        self.method = method
        self.path = path
        self.answer = answer
    }

    /// Whether a path is of this form.
    func matches(_ components: [Substring]) -> Bool {
        let own = path.split(separator: "/")
        return own.count == components.count && zip(own, components).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
}
