import CLinux
import Glibc
import Netlink
import Reporting

/// A client of xenstored, Xen's small registry: reads and writes one value at a time, without transactions or watches
/// (xen/include/public/io/xs_wire.h: a header of four numbers in the host's byte order, then at most 4096 bytes).
///
/// Not Sendable: one request at a time.
public final class XenStore {
    /// Where xenstored listens; in a driver domain, which has none of its own, the kernel's device leads to it.
    public static let places = ["/run/xenstored/socket", "/var/run/xenstored/socket", "/dev/xen/xenbus", "/proc/xen/xenbus"]
    /// XENSTORE_PAYLOAD_MAX and XENSTORE_ABS_PATH_MAX, in bytes.
    static let maximumPayload = 4096
    static let maximumPath = 3072
    /// An answer takes less than a millisecond; a store that is silent for so long is broken.
    private static let patience: Int32 = 5000

    private enum Request: UInt32 {
        case read = 2
        case write = 11
        case error = 16
    }

    private let descriptor: Int32
    private let place: String
    private var number: UInt32 = 0

    /// - Parameter place: a Unix socket or xenbus device; nil: the first of `places` that answers.
    /// - Throws: `XenStoreError` if there is none.
    public init(_ place: String? = nil) throws(XenStoreError) {
        for candidate in place.map({ [$0] }) ?? Self.places {
            let descriptor = Self.open(candidate)
            guard descriptor >= 0 else { continue }
            self.descriptor = descriptor
            self.place = candidate
            return
        }
        throw XenStoreError(
            "xenstore doesn't answer at \((place.map { [$0] } ?? Self.places).joined(separator: ", ").visible): is xenstored running here?")
    }

    deinit { close(descriptor) }

    private static func open(_ path: String) -> Int32 {
        var status = stat()
        guard stat(path, &status) == 0 else { return -1 }
        guard status.st_mode & S_IFMT == S_IFSOCK else { return clinux_open(path, O_RDWR) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fits, descriptor >= 0 else { return -1 }
        let connected = withUnsafeBytes(of: &address) {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        if connected == 0 { return descriptor }
        close(descriptor)
        return -1
    }

    /// The value at a path; nil if there is none.
    ///
    /// - Parameter path: absolute, or from this domain's own folder (/local/domain/0).
    /// - Throws: `XenStoreError`, also for a value that isn't UTF-8.
    public func value(at path: String) throws(XenStoreError) -> String? {
        let action = "read \(path.visible) in xenstore"
        do throws(XenStoreError) {
            let bytes = try ask(.read, try Self.encoded(path), to: action)
            guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
                throw XenStoreError("can't \(action): it isn't text")
            }
            return text
        } catch {
            if error.name == "ENOENT" { return nil }
            throw error
        }
    }

    /// Writes a value; what is missing of the path is made.
    public func write(_ value: String, at path: String) throws(XenStoreError) {
        let action = "write \(path.visible) in xenstore"
        _ = try ask(.write, try Self.encoded(path) + Array(value.utf8), to: action)
    }

    private static func encoded(_ path: String) throws(XenStoreError) -> [UInt8] {
        guard !path.isEmpty, path.utf8.count <= maximumPath, !path.utf8.contains(0) else {
            throw XenStoreError("\(path.cut(to: 60).visible) is no path in xenstore")
        }
        return Array(path.utf8) + [0]
    }

    // MARK: On the wire

    private func ask(_ request: Request, _ payload: [UInt8], to action: String) throws(XenStoreError) -> [UInt8] {
        guard payload.count <= Self.maximumPayload else { throw XenStoreError("can't \(action): more than \(Self.maximumPayload) bytes") }
        number &+= 1
        var message: [UInt8] = []
        for word in [request.rawValue, number, 0, UInt32(payload.count)] { withUnsafeBytes(of: word) { message += $0 } }
        try send(message + payload, action)
        let reply = XenStoreReply(header: try receive(16, action))
        guard let reply, reply.number == number, reply.length <= Self.maximumPayload else {
            throw XenStoreError("can't \(action): the answer makes no sense; does \(place.visible) belong to xenstored?")
        }
        let answer = try receive(reply.length, action)
        if reply.kind == request.rawValue { return answer }
        let name =
            reply.kind == Request.error.rawValue
            ? String(decoding: answer.prefix { $0 != 0 }.prefix(32), as: UTF8.self) : "an answer to something else"
        throw XenStoreError("can't \(action): xenstored says \(name.visible)", name: name)
    }

    private func send(_ bytes: [UInt8], _ action: String) throws(XenStoreError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: Int16(POLLOUT), action)
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw failure(action) }
            rest = rest.dropFirst(count)
        }
    }

    private func receive(_ length: Int, _ action: String) throws(XenStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: Self.maximumPayload)
        while bytes.count < length {
            try wait(for: Int16(POLLIN), action)
            let count = Glibc.read(descriptor, &buffer, length - bytes.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count != 0 else { throw XenStoreError("can't \(action): xenstored has hung up") }
            guard count > 0 else { throw failure(action) }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private func wait(for events: Int16, _ action: String) throws(XenStoreError) {
        var awaited = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let count = poll(&awaited, 1, Self.patience)
            if count > 0 { return }
            if count == 0 { throw XenStoreError("can't \(action): xenstored doesn't answer") }
            guard errno == EINTR else { throw failure(action) }
        }
    }

    private func failure(_ action: String) -> XenStoreError { XenStoreError("can't \(action): \(SystemErrorNumber.current)") }
}

/// What precedes an answer.
public struct XenStoreReply: Sendable {
    let kind: UInt32
    let number: UInt32
    /// Of what follows, in bytes.
    public let length: Int

    /// nil if it isn't 16 bytes long.
    public init?(header: [UInt8]) {
        guard header.count == 16 else { return nil }
        let words = header.withUnsafeBytes { bytes in (0..<4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) } }
        (kind, number, length) = (words[0], words[1], Int(words[3]))
    }
}

/// Why xenstore couldn't be read or written: what was being done, and what went wrong.
public struct XenStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// Of xenstored's own error: "ENOENT", "EACCES"…
    let name: String?

    init(_ description: String, name: String? = nil) {
        self.description = description
        self.name = name
    }
}
