import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix

/// Accepts connections at one socket and has the requests that come over them answered. HTTP/1.1.
struct Listener: Sendable {
    let socket: ListeningSocket
    let gate: ConnectionGate
    let limits: APILimits
    let logger: Logger
    let answer: @Sendable (Request, Peer) async -> Response

    private enum Connection: Sendable {
        case admitted(HTTP1Channel, HTTP1Channel.Value)
        case refused(any Channel)
    }

    /// Accepts until the socket is closed, and ends with the last connection.
    ///
    /// - Parameter isReady: told when connections are accepted, and by what channel.
    func run(on loops: any EventLoopGroup, isReady: (any Channel) -> Void) async throws {
        let server = try await ServerBootstrap(group: loops)
            // With no descriptors left, accepting is tried again a little later.
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler()) }
            }
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .bind(socket.descriptor) { channel in self.setUp(channel) }
        isReady(server.channel)
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { await handle(connection) }
                }
            }
        }
    }

    /// What a client does wrong isn't worth a line each time.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }

    // MARK: One connection

    private func handle(_ connection: Connection) async {
        switch connection {
        case .admitted(let http, let channel): await http.handle(value: channel, logger: quiet)
        case .refused(let channel): await refuse(channel)
        }
    }

    private func setUp(_ channel: any Channel) -> EventLoopFuture<Connection> {
        Peer.of(channel, isLocal: socket.isLocal).flatMap { peer in
            guard gate.admit(channel, peer) else { return channel.eventLoop.makeSucceededFuture(.refused(channel)) }
            let http = HTTP1Channel(
                responder: { request, writer, _ in try await respond(to: request, from: peer, writer) },
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionDeadlines(limits.times)],
                    httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                        maxHeaderFieldSize: APILimits.field, maxHeaderListSize: APILimits.head, maxHeaderFieldCount: APILimits.fields)))
            return http.setup(channel: channel, logger: quiet).map { .admitted(http, $0) }
        }
    }

    /// Says that there are too many, and hangs up.
    private func refuse(_ channel: any Channel) async {
        let body = Problem.tooManyConnections.json
        let head = [
            "HTTP/1.1 503 Service Unavailable", "Content-Type: \(Problem.mediaType)", "Content-Length: \(body.count)", "Connection: close",
            "Retry-After: 1", "", "",
        ]
        // As far as the socket takes it at once: nobody is waited for.
        channel.writeAndFlush(channel.allocator.buffer(bytes: Array(head.joined(separator: "\r\n").utf8) + body), promise: nil)
        try? await channel.close()
    }

    private func respond(to request: Request, from peer: Peer, _ writer: consuming ResponseWriter) async throws {
        // Who asks whether to send a body is told to: 'curl' would wait a second (RFC 9110, 10.1.1).
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let response = await answer(request, peer)
        try await writer.write(response: response.head, body: response.body)
    }
}
