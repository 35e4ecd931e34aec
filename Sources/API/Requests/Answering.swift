import HTTPTypes
import Hummingbird
import Logging
import Reporting
import Synchronization

/// Turns what is thrown into problems, and sees to it that a path is written one way only.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = CallContext

    let routes: [Route]
    let logger: Logger

    func handle(_ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response) async throws -> Response {
        var response: Response
        do {
            try checkPath(request)
            response = try await next(request, context)
        } catch {
            let problem = isUnknown(error) ? unknown(request) : Problem(error)
            if problem.status.kind == .serverError, problem.status != .serviceUnavailable {
                logger.error("\(request.method.rawValue) failed", metadata: ["detail": "\(problem.detail.visible)", "peer": "\(context.peer)"])
            }
            response = problem.response
            // Whoever asks by HEAD gets no body, whatever it says.
            if request.method == .head { response = response.createHeadResponse() }
        }
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }

    private func isUnknown(_ error: any Error) -> Bool {
        if let error = error as? HTTPError { error.status == .notFound } else { false }
    }

    /// `//v1/status`, `/v1/status/` and `/v1/%73tatus` aren't `/v1/status`: who compares paths, as a proxy may, must not be fooled.
    private func checkPath(_ request: Request) throws(Problem) {
        let path = request.uri.path
        guard path.hasPrefix("/"), !path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).contains("") else {
            throw .notFound(Self.advice)
        }
    }

    private func unknown(_ request: Request) -> Problem {
        let components = request.uri.path.split(separator: "/")
        let methods = routes.filter { $0.matches(components) }.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
        return methods.isEmpty ? .notFound(Self.advice) : .wrongMethod(allowed: methods)
    }

    private static let advice = "there is nothing at this path: /v1/openapi.yaml lists what there is"
}

/// Asks who comes by TCP for the token.
struct TokenMiddleware: RouterMiddleware {
    typealias Context = CallContext

    let token: BearerToken
    let logger: Logger
    private let lastWarning = WarningTime()

    init(_ token: BearerToken, logger: Logger) {
        self.token = token
        self.logger = logger
    }

    func handle(_ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response) async throws -> Response {
        guard request.headers[values: .authorization].count == 1, token.isShown(by: request.headers[.authorization]) else {
            if lastWarning.isDue() { logger.warning("a request without the right token was refused", metadata: ["peer": "\(context.peer)"]) }
            throw Problem.unauthorized
        }
        return try await next(request, context)
    }

    /// When it was last warned of: once a second is enough.
    private final class WarningTime: Sendable {
        private let last = Mutex<ContinuousClock.Instant?>(nil)

        func isDue() -> Bool {
            last.withLock { last in
                if let last, last.duration(to: .now) < .seconds(1) { return false }
                last = .now
                return true
            }
        }
    }
}

extension HTTPField.Name {
    static var xContentTypeOptions: Self { Self("X-Content-Type-Options")! }
}
