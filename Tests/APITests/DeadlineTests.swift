import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import API

/// Clients that take their time, on a clock of the test's own.
@Suite(.timeLimit(.minutes(10)))
struct DeadlineTests {
    private let channel: EmbeddedChannel
    private var loop: EmbeddedEventLoop { channel.embeddedEventLoop }

    private static let times = {
        var times = APILimits.Times()
        (times.head, times.body, times.answer, times.idle, times.end) = (.seconds(10), .seconds(20), .seconds(30), .seconds(40), .seconds(2))
        return times
    }()

    init() throws {
        channel = EmbeddedChannel(handlers: [HalfClose(), ConnectionDeadlines(Self.times)])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
    }

    private func receive(_ part: HTTPRequestPart) throws { try channel.writeInbound(part) }
    private var head: HTTPRequestPart { .head(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/")) }

    /// An answer, taken in by the client at once.
    private func answer(_ status: HTTPResponse.Status = .ok) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: status)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    /// The answer that the client got last.
    private func answered() throws -> HTTPResponse? {
        var last: HTTPResponse?
        while let part = try channel.readOutbound(as: HTTPResponsePart.self) { if case .head(let head) = part { last = head } }
        return last
    }

    private func expect(openFor seconds: Int64, _ words: Comment) {
        loop.advanceTime(by: .seconds(seconds) - .milliseconds(1))
        #expect(channel.isActive, words)
        loop.advanceTime(by: .milliseconds(2))
        #expect(!channel.isActive, words)
    }

    @Test func `a head that doesn't come ends the connection`() { expect(openFor: 10, "no head") }

    @Test func `a body has its time as a whole, however often a byte of it comes`() throws {
        try receive(head)
        for _ in 0..<19 {
            loop.advanceTime(by: .seconds(1))
            try receive(.body(ByteBuffer(string: "x")))
        }
        expect(openFor: 1, "a slow body")
    }

    @Test func `an answer has time to be made, and then to be taken in`() throws {
        try receive(head)
        try receive(.end(nil))
        loop.advanceTime(by: .seconds(1000))
        #expect(channel.isActive)
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        expect(openFor: 30, "an answer that isn't taken in")
    }

    @Test func `after an answer the next request may take its time to begin`() throws {
        try receive(head)
        try receive(.end(nil))
        try answer()
        loop.advanceTime(by: .seconds(39))
        try receive(head)
        try receive(.end(nil))
        loop.advanceTime(by: .seconds(39))
        try answer()
        #expect(try answered()?.headerFields[.connection] == nil)
        expect(openFor: 40, "nothing more")
    }

    @Test func `requests that come before the answer to the first are all answered`() throws {
        for _ in 0..<3 {
            try receive(head)
            try receive(.end(nil))
        }
        try answer()
        loop.advanceTime(by: .seconds(100))
        #expect(channel.isActive)
        try answer()
        try answer()
        expect(openFor: 40, "nothing more")
    }

    @Test func `an answer before the body's end is the last, and what else comes is dropped`() throws {
        try receive(head)
        try receive(.body(ByteBuffer(string: "x")))
        while try channel.readInbound(as: HTTPRequestPart.self) != nil {}
        try answer(.contentTooLarge)
        #expect(try answered()?.headerFields[.connection] == "close")
        for part in [.body(ByteBuffer(string: "y")), .end(nil), head, .end(nil)] as [HTTPRequestPart] { try receive(part) }
        #expect(try channel.readInbound(as: HTTPRequestPart.self) == nil)
        expect(openFor: 2, "an end that the client doesn't see")
    }

    @Test func `being told whether to send a body is no answer`() throws {
        try receive(head)
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .continue)))
        #expect(try answered()?.headerFields[.connection] == nil)
        expect(openFor: 20, "no body")
    }

    @Test func `when the API ends, what is idle is closed at once, and what is asked is answered`() throws {
        let idle = EmbeddedChannel(handler: ConnectionDeadlines(Self.times))
        try idle.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
        idle.pipeline.fireUserInboundEventTriggered(ConnectionDeadlines.Ending())
        #expect(!idle.isActive)
        try receive(head)
        try receive(.end(nil))
        channel.pipeline.fireUserInboundEventTriggered(ConnectionDeadlines.Ending())
        #expect(channel.isActive)
        try answer()
        #expect(try answered()?.headerFields[.connection] == "close")
        expect(openFor: 2, "the end")
    }
}

/// Closing for output alone, which an embedded channel doesn't know.
private final class HalfClose: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny
    typealias OutboundOut = NIOAny

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
    }
}
