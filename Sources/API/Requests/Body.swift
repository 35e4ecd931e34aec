import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The bodies in memory at one time, in bytes: many large ones at once must not take all there is.
final class BodyMemory: Sendable {
    private let free: Mutex<Int>

    init(_ bytes: Int) { free = Mutex(bytes) }

    /// Some of it, given back with its last reference.
    final class Lease: Sendable {
        private let memory: BodyMemory
        private let bytes = Mutex(0)

        fileprivate init(_ memory: BodyMemory) { self.memory = memory }

        deinit { memory.give(back: bytes.withLock { $0 }) }

        /// false if there isn't as much.
        fileprivate func extend(by count: Int) -> Bool {
            guard memory.take(count) else { return false }
            bytes.withLock { $0 += count }
            return true
        }
    }

    func lease() -> Lease { Lease(self) }

    private func take(_ count: Int) -> Bool {
        free.withLock { free in
            guard free >= count else { return false }
            free -= count
            return true
        }
    }

    private func give(back count: Int) { free.withLock { $0 += count } }
}

/// A request's body, whole.
struct Body: Sendable {
    let bytes: [UInt8]
    private let lease: BodyMemory.Lease

    /// - Parameters:
    ///   - types: the media types that are taken.
    ///   - limit: in bytes.
    static func of(_ request: Request, types: [String], atMost limit: Int, in memory: BodyMemory) async throws -> Body {
        guard mediaType(request).map(types.contains) == true, request.headers[.contentEncoding] == nil else { throw Problem.wrongType(types) }
        let tooLarge = Problem.tooLarge("the body is larger than \(limit >> 20) MiB")
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= limit else { throw tooLarge }
        let lease = memory.lease()
        var bytes: [UInt8] = []
        // What an array grows by as it goes would take as much again. Nothing of it is used until something comes.
        bytes.reserveCapacity(max(length, 0))
        try await read(request) { part throws(Problem) in
            guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
            guard lease.extend(by: part.readableBytes) else { throw .busy }
            bytes += part.readableBytesView
        }
        return Body(bytes: bytes, lease: lease)
    }

    /// Makes sure that there is none.
    static func none(_ request: Request) async throws(Problem) {
        try await read(request) { part throws(Problem) in
            if part.readableBytes > 0 { throw .malformed("this takes no body: leave it out") }
        }
    }

    private static func read(_ request: Request, _ take: (ByteBuffer) throws(Problem) -> Void) async throws(Problem) {
        do {
            for try await part in request.body { try take(part) }
        } catch let problem as Problem {
            throw problem
        } catch {
            // It isn't what its head says, or the client is gone.
            throw .malformed("the body can't be read to its end")
        }
    }

    /// The type without its parameters, in lower case.
    private static func mediaType(_ request: Request) -> String? {
        guard let header = request.headers[.contentType] else { return nil }
        let type = header.prefix { $0 != ";" }
        return type.lowercased().filter { $0 != " " && $0 != "\t" }
    }
}
