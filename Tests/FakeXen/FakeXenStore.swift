import CLinux
import Foundation
import Synchronization

/// A xenstored without Xen: the registry of one dom0 at a Unix socket, as far as hot-plug scripts use it. It can be told to
/// answer what no xenstored would.
public final class FakeXenStore: Sendable {
    public let path: String
    private let listener: Int32
    private let state: Mutex<State>

    private struct State {
        var nodes: [String: [UInt8]] = [:]
        var answer: (@Sendable ([UInt8]) -> [UInt8]?)?
        var requests = 0
    }

    /// - Parameter folder: where its socket is made.
    public init(in folder: URL) throws {
        path = folder.appending(path: "xs").path
        state = Mutex(State())
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path), "the folder's path is too long for a socket")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafeBytes(of: &address) {
            bind(listener, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard bound == 0, listen(listener, 128) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [listener, self] in
            while case let client = accept(listener, nil, nil), client >= 0 {
                Thread.detachNewThread { [weak self] in
                    self?.serve(client)
                    close(client)
                }
            }
        }
    }

    /// Hears no more; it goes with its last reference then.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        unlink(path)
    }

    deinit { close(listener) }

    /// A node's text; a relative path is below /local/domain/0.
    public subscript(path: String) -> String? {
        get { state.withLock { state in state.nodes[Self.absolute(path)].map { String(decoding: $0, as: UTF8.self) } } }
        set { set(path, newValue.map { Array($0.utf8) }) }
    }

    /// Gives a node bytes that needn't be text; nil removes it.
    public func set(_ path: String, _ bytes: [UInt8]?) { state.withLock { $0.nodes[Self.absolute(path)] = bytes } }

    /// From now on whole requests are answered with what this gives, where it gives anything.
    public func answer(_ answer: (@Sendable ([UInt8]) -> [UInt8]?)?) { state.withLock { $0.answer = answer } }

    /// How many requests were answered.
    public var requests: Int { state.withLock { $0.requests } }

    private static func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "/local/domain/0/\(path)" }

    private func serve(_ client: Int32) {
        while let header = Self.read(client, 16) {
            let words = header.withUnsafeBytes { bytes in (0..<4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) } }
            guard words[3] <= 4096, let payload = Self.read(client, Int(words[3])) else { return }
            let reply = state.withLock { state in
                state.requests += 1
                return state.answer?(header + payload) ?? Self.reply(&state.nodes, words, payload)
            }
            var rest = reply[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    private static func reply(_ nodes: inout [String: [UInt8]], _ words: [UInt32], _ payload: [UInt8]) -> [UInt8] {
        let path = absolute(String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self))
        switch words[0] {
        case 2:
            guard let value = nodes[path] else { return message(16, words[1], Array("ENOENT".utf8) + [0]) }
            return message(2, words[1], value)
        case 11:
            nodes[path] = Array(payload.drop { $0 != 0 }.dropFirst())
            return message(11, words[1], Array("OK".utf8) + [0])
        default: return message(16, words[1], Array("ENOSYS".utf8) + [0])
        }
    }

    /// An answer as it goes over the wire.
    public static func message(_ kind: UInt32, _ number: UInt32, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [kind, number, 0, UInt32(payload.count)] { withUnsafeBytes(of: word) { bytes += $0 } }
        return bytes + payload
    }

    private static func read(_ client: Int32, _ length: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < length {
            let count = Foundation.read(client, &buffer, length - bytes.count)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
        return bytes
    }
}

extension FakeXenStore {
    /// Writes what libxl writes for a guest and one of its cards before it calls the script.
    public func add(domain: UInt32, name: String, uuid: String? = nil, card: UInt32 = 0, mac: String, bridge: String = "br0", ip: String? = nil) {
        self["/local/domain/\(domain)/name"] = name
        if let uuid { self["/local/domain/\(domain)/vm"] = "/vm/\(uuid)" }
        let backend = "backend/vif/\(domain)/\(card)"
        self["\(backend)/frontend-id"] = "\(domain)"
        self["\(backend)/mac"] = mac
        self["\(backend)/bridge"] = bridge
        if let ip { self["\(backend)/ip"] = ip }
    }

    /// What of a card the script has written.
    public func status(of domain: UInt32, card: UInt32 = 0) -> String? { self["backend/vif/\(domain)/\(card)/hotplug-status"] }
    public func error(of domain: UInt32, card: UInt32 = 0) -> String? { self["backend/vif/\(domain)/\(card)/hotplug-error"] }
}
