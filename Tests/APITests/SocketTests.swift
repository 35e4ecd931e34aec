import Foundation
import Testing

@testable import API

/// The socket's file: who may use it, and whose place it takes.
@Suite(.serialized, .timeLimit(.minutes(10)))
final class SocketTests {
    private let folder: URL
    private var path: String { folder.appending(path: "run").path }
    private var socket: String { "\(path)/api.sock" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-socket-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    private func group(_ path: String) -> gid_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_gid : gid_t.max
    }

    /// A group that isn't the process's own, where it may give files to one.
    private var another: gid_t { geteuid() == 0 ? 1 : getegid() }

    @Test func `it is the group's and nobody else's, whatever the umask`() throws {
        let before = umask(0)
        defer { umask(before) }
        let listening = try ListeningSocket.unix(try RunFolder(path, group: another), group: another)
        defer { close(listening.descriptor) }
        #expect(mode(path) == 0o750 && mode(socket) == 0o660)
        #expect(group(path) == another && group(socket) == another)
    }

    @Test func `without the group it is root's alone`() throws {
        let before = umask(0)
        defer { umask(before) }
        let listening = try ListeningSocket.unix(try RunFolder(path, group: nil), group: nil)
        defer { close(listening.descriptor) }
        #expect(mode(path) == 0o700 && mode(socket) == 0o600)
    }

    @Test func `it is never more than that, not even for a moment`() throws {
        // While one thread makes it again and again, another looks.
        let before = umask(0)
        defer { umask(before) }
        let run = try RunFolder(path, group: another)
        let (socket, isDone) = (socket, Flag())
        let seen = Flag()
        let watcher = Thread {
            while !isDone.isSet {
                var status = stat()
                if lstat(socket, &status) == 0, status.st_mode & 0o117 != 0 { seen.set() }
            }
            isDone.acknowledge()
        }
        watcher.start()
        for _ in 0..<2000 {
            close(try ListeningSocket.unix(run, group: another).descriptor)
            run.removeSocket()
        }
        isDone.set()
        isDone.waitForAcknowledgement()
        #expect(!seen.isSet, "others could connect, or it was executable")
    }

    @Test func `a dead agent's socket is replaced, a live one's isn't`() throws {
        let first = try ListeningSocket.unix(try RunFolder(path, group: nil), group: nil)
        #expect(throws: APIError.inUse(path: socket)) { try ListeningSocket.unix(try RunFolder(path, group: nil), group: nil) }
        #expect(try ListeningSocket.isAnswered(socket))
        close(first.descriptor)
        // Dead: the file stays.
        #expect(mode(socket) == 0o600)
        // A process that another test starts has it for as long as it is our copy.
        let deadline = ContinuousClock.now + .seconds(10)
        while try ListeningSocket.isAnswered(socket), ContinuousClock.now < deadline { usleep(1000) }
        #expect(try !ListeningSocket.isAnswered(socket))
        let second = try ListeningSocket.unix(try RunFolder(path, group: nil), group: nil)
        #expect(try ListeningSocket.isAnswered(socket))
        close(second.descriptor)
    }

    @Test func `two that start at once don't take it from each other`() throws {
        let first = try RunFolder(path, group: nil)
        #expect(throws: APIError.inUse(path: path)) { try RunFolder(path, group: nil) }
        withExtendedLifetime(first) {}
    }

    @Test func `what isn't a socket is left alone`() throws {
        let run = try RunFolder(path, group: nil)
        try Data("precious".utf8).write(to: URL(filePath: socket))
        #expect(throws: APIError.notASocket(path: socket)) { try ListeningSocket.unix(run, group: nil) }
        #expect(try String(contentsOfFile: socket, encoding: .utf8) == "precious")
    }

    @Test func `a folder that is somebody else's, or a link, is refused`() throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path)
        #expect(throws: APIError.self) { try RunFolder(path, group: nil) }
        try FileManager.default.removeItem(atPath: path)
        guard geteuid() == 0 else { return }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(chown(path, 1, 1) == 0 && chmod(path, 0o755) == 0)
        #expect(throws: APIError.self) { try RunFolder(path, group: nil) }
        #expect(mode(path) == 0o755)
    }

    @Test func `a folder that was open to all is closed`() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(chmod(path, 0o777) == 0)
        _ = try RunFolder(path, group: another)
        #expect(mode(path) == 0o750)
    }

    @Test func `a path that is too long for a socket is told`() throws {
        let long = folder.appending(path: String(repeating: "r", count: 100)).path
        #expect(throws: APIError.pathTooLong("\(long)/api.sock")) { try ListeningSocket.unix(try RunFolder(long, group: nil), group: nil) }
    }

    @Test func `a group is found by its name`() {
        #expect(groupNumber("root") == 0)
        #expect(groupNumber("no-such-group-here") == nil)
    }
}

/// Something that is so from some moment on.
private final class Flag: @unchecked Sendable {
    private let lock = NSCondition()
    private var value = false
    private var isAcknowledged = false

    var isSet: Bool {
        lock.lock()
        defer { lock.unlock() }
        return value
    }

    func set() {
        lock.lock()
        value = true
        lock.unlock()
    }

    func acknowledge() {
        lock.lock()
        isAcknowledged = true
        lock.signal()
        lock.unlock()
    }

    func waitForAcknowledgement() {
        lock.lock()
        while !isAcknowledged { lock.wait() }
        lock.unlock()
    }
}
