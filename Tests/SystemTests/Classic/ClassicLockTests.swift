import Glibc
import Lab
import Testing

@testable import Classic

/// The lock that the classic engine's commands take on a network namespace.
@Suite(.timeLimit(.minutes(1)))
struct ClassicLockTests {
    /// A namespace with a /run of its own.
    private func host() throws -> NetworkNamespace {
        let host = try NetworkNamespace("lock")
        try host.run { try #require(mount("tmpfs", "/run", "tmpfs", 0, nil) == 0) }
        return host
    }

    /// What keeps the lock from being taken; nil: it was.
    private static func refusal() -> String? {
        do throws(ClassicError) {
            try NamespaceLock.run(atMost: .milliseconds(1)) { () throws(ClassicError) in }
            return nil
        } catch { return error.description }
    }

    private static var isLeft: Bool { access(NamespaceLock.folder, F_OK) == 0 }

    @Test func `it is one's at a time, and whoever waits too long is told which`() throws {
        try host().run {
            let second = try NamespaceLock.run { () throws(ClassicError) in Self.refusal() }
            #expect(second?.contains("had the lock /run/vifguard-classic/") == true)
            #expect(Self.refusal() == nil && !Self.isLeft)
        }
    }

    @Test func `another namespace's is another`() throws {
        let (one, two) = (try host(), try host())
        try one.run {
            try NamespaceLock.run { () throws(ClassicError) in
                #expect((try? two.run { Self.refusal() == nil }) == true)
            }
        }
    }

    @Test func `what a killed process has left is taken over`() throws {
        try host().run {
            var status = stat()
            try #require(stat("/proc/thread-self/ns/net", &status) == 0 && mkdir(NamespaceLock.folder, 0o700) == 0)
            close(open("\(NamespaceLock.folder)/\(status.st_ino)", O_CREAT | O_RDWR, 0o600))
            #expect(Self.refusal() == nil && !Self.isLeft)
        }
    }

    @Test func `what others than root could hold is refused`() throws {
        let folder = NamespaceLock.folder
        try host().run {
            try #require(mkdir(folder, 0o700) == 0 && chown(folder, 65534, 65534) == 0)
            #expect(Self.refusal()?.contains("isn't root's alone") == true)
            try #require(chown(folder, 0, 0) == 0 && chmod(folder, 0o711) == 0)
            #expect(Self.refusal()?.contains("isn't root's alone") == true)
            try #require(rmdir(folder) == 0 && mkdir("/run/theirs", 0o700) == 0 && symlink("/run/theirs", folder) == 0)
            #expect(Self.refusal()?.contains("open the folder \(folder)") == true)
            try #require(unlink(folder) == 0 && mkdir(folder, 0o700) == 0)
            var status = stat()
            try #require(stat("/proc/thread-self/ns/net", &status) == 0)
            let file = "\(folder)/\(status.st_ino)"
            try #require(symlink("/run/target", file) == 0)
            #expect(Self.refusal()?.contains("open \(file)") == true && access("/run/target", F_OK) != 0)
            try #require(unlink(file) == 0 && mkfifo(file, 0o600) == 0)
            #expect(Self.refusal()?.contains("\(file) is no file") == true)
        }
    }
}
