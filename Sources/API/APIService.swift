import Glibc
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Reporting
import ServiceLifecycle
import Synchronization

/// The API as a service of the agent: listens at the Unix socket and, if that is asked for, by TCP, until it is told to end.
public struct APIService: Service {
    private let configuration: APIConfiguration
    private let api: API
    private let logger: Logger

    /// How long requests that are being answered may go on once it is to end.
    private static let lastAnswers = Duration.seconds(5)

    public init(configuration: APIConfiguration, agent: AgentInformation, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        api = API(configuration: configuration, agent: agent, logger: logger)
    }

    /// Ends with the graceful shutdown of the group that it runs in.
    ///
    /// - Throws: `APIError` if it can't listen. Nothing is offered then, not even what could be.
    public func run() async throws {
        let group = groupNumber(configuration.group)
        if group == nil {
            logger.warning(
                "there is no group \(configuration.group.visible): only root may use the API; 'groupadd --system \(configuration.group.visible)' and start the agent again, to let others"
            )
        }
        // Refused before anything is offered.
        let token = try remoteToken()
        let folder = try RunFolder(configuration.runFolder, group: group)
        let unix = try ListeningSocket.unix(folder, group: group)
        defer { folder.removeSocket() }
        var sockets = [(unix, nil as BearerToken?)]
        if let address = configuration.listen {
            do throws(APIError) { sockets.append((try ListeningSocket.tcp(address), token)) } catch {
                close(unix.descriptor)
                throw error
            }
        }
        try await serve(sockets)
    }

    private func remoteToken() throws(APIError) -> BearerToken? {
        guard configuration.listen != nil else { return nil }
        guard let file = configuration.tokenFile else { throw .noTokenFile }
        return try BearerToken(file: file)
    }

    private func serve(_ sockets: [(socket: ListeningSocket, token: BearerToken?)]) async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // One each: who fills the TCP port up shuts nobody out of the Unix socket.
        let gates = sockets.map { _ in ConnectionGate(configuration.limits) }
        let ending = Ending(gates)
        do {
            try await withGracefulShutdownHandler {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for ((socket, token), gate) in zip(sockets, gates) {
                        let listener = listener(socket, token, gate)
                        group.addTask { try await listener.run(on: loops) { ending.add($0) } }
                        logger.info("the API listens at \(socket.name.visible)")
                    }
                    // One that fails ends the others: half of what was asked for is no API.
                    for try await _ in group {}
                }
            } onGracefulShutdown: {
                ending.begin(within: Self.lastAnswers)
            }
        } catch {
            try? await loops.shutdownGracefully()
            throw error
        }
        try await loops.shutdownGracefully()
    }

    private func listener(_ socket: ListeningSocket, _ token: BearerToken?, _ gate: ConnectionGate) -> Listener {
        let (api, responder) = (api, api.responder(token: token))
        return Listener(socket: socket, gate: gate, limits: configuration.limits, logger: logger) { request, peer in
            await api.answer(request, from: peer, by: responder)
        }
    }

    /// Brings everything to its end, once.
    private final class Ending: Sendable {
        private let gates: [ConnectionGate]
        private let servers = Mutex<(channels: [any Channel], hasBegun: Bool)>(([], false))

        init(_ gates: [ConnectionGate]) { self.gates = gates }

        func add(_ server: any Channel) {
            let isLate = servers.withLock { servers in
                servers.channels.append(server)
                return servers.hasBegun
            }
            if isLate { server.close(promise: nil) }
        }

        func begin(within time: Duration) {
            let channels = servers.withLock { servers in
                servers.hasBegun = true
                return servers.channels
            }
            for channel in channels { channel.close(promise: nil) }
            for gate in gates { gate.close() }
            guard let loop = channels.first?.eventLoop else { return }
            let gates = gates
            loop.scheduleTask(in: TimeAmount(time)) { for gate in gates { gate.cut() } }
        }
    }
}
