import Foundation
import Testing

/// A client of the API with nothing between it and its socket: it may send anything, and as slowly as it likes. It blocks, so
/// it runs on a thread of its own (`onThread`).
final class Client {
    private let socket: Int32
    /// The errno of the last call that failed.
    private(set) var failure: Int32 = 0

    convenience init(_ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        try self.init(AF_UNIX, address)
    }

    /// By TCP, at this machine's own address.
    convenience init(port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        try self.init(AF_INET, address)
    }

    private init<Address>(_ family: Int32, _ address: Address) throws {
        socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(socket >= 0)
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<Address>.size)) }
        }
        try #require(result == 0, "connect: \(String(cString: strerror(errno)))")
        // So that a test that fails doesn't hang.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// false once nobody reads any more.
    @discardableResult
    func send(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else {
                failure = errno
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// What comes until the other end closes.
    func rest() -> String {
        var bytes: [UInt8] = []
        while let more = some() { bytes += more }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What is there or comes next; nil at the end.
    func some() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count < 0 { failure = errno }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Asks, and gives status and body of the answer.
    static func ask(_ path: String, _ request: String) throws -> (status: Int, text: String) {
        let client = try Client(path)
        client.send(request)
        let text = client.rest()
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0, text)
    }

    static func get(_ path: String, _ target: String) throws -> (status: Int, text: String) {
        try ask(path, "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    }
}

/// Runs what blocks beside the threads that Swift's tasks share, and waits for it.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}
