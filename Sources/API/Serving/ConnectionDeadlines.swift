import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long, however it does so: a byte of the head or of the body now and then, an
/// answer that is never taken in, nothing at all. Hummingbird's own time-out begins anew with each part of a body.
final class ConnectionDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Told to a connection when the API ends: it does so after the answer that it is about to give.
    struct Ending: Sendable {}

    private let times: APILimits.Times
    /// Until when the client must have sent what it has begun, or begin.
    private var reading: Scheduled<Void>?
    /// Until when it must have taken in the answer.
    private var writing: Scheduled<Void>?
    private var isReadingBody = false
    /// Requests that have begun and have no answer yet.
    private var unanswered = 0
    /// The answer that is being written is the last.
    private var isLast = false
    private var isEnding = false
    /// The last answer is written: whatever else comes is none of our business.
    private var isOver = false

    init(_ times: APILimits.Times) { self.times = times }

    // MARK: From the client

    func handlerAdded(context: ChannelHandlerContext) { expectMore(within: times.head, context) }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return }
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            isReadingBody = true
            expectMore(within: times.body, context)
        case .body: break
        case .end:
            isReadingBody = false
            reading?.cancel()
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is Ending else { return context.fireUserInboundEventTriggered(event) }
        isEnding = true
        if unanswered == 0 { context.close(promise: nil) }
    }

    // MARK: To the client

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            // A client that is still sending what nobody wants to read would keep the connection busy.
            if isReadingBody || isEnding { head.headerFields[.connection] = "close" }
            isLast = head.headerFields[.connection] == "close"
            schedule(&writing, times.answer, context)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in
                let (handler, context) = bound.value
                handler.answered(context)
            }
            context.write(data, promise: written)
        default: context.write(data, promise: promise)
        }
    }

    private func answered(_ context: ChannelHandlerContext) {
        unanswered = max(0, unanswered - 1)
        writing?.cancel()
        guard context.channel.isActive else { return }
        if isLast || isEnding {
            isOver = true
            // Both ends in turn: closed at once, what the client still sends would take our answer away from it (RFC 9112, 9.6).
            context.close(mode: .output, promise: nil)
            expectMore(within: times.end, context)
        } else if unanswered == 0, !isReadingBody {
            expectMore(within: times.idle, context)
        }
    }

    // MARK: Time

    private func expectMore(within time: Duration, _ context: ChannelHandlerContext) { schedule(&reading, time, context) }

    private func schedule(_ task: inout Scheduled<Void>?, _ time: Duration, _ context: ChannelHandlerContext) {
        task?.cancel()
        task = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { context.close(promise: nil) }
    }

    private func cancel() {
        reading?.cancel()
        writing?.cancel()
    }
}

@available(*, unavailable)
extension ConnectionDeadlines: Sendable {}
