import CLinux
import Glibc
import Netlink
import Reporting

/// The operator's own programs that are run when a card has been plugged or unplugged: `vif-post.d/*.hook` beside Xen's
/// scripts, in the order of their names, those that may be executed. Debian's scripts read them into themselves; here each
/// is a program, with what those find in variables as its environment.
public struct PostHooks: Sendable {
    public static let defaultFolder = "/etc/xen/scripts/vif-post.d"
    /// All of a script's time is 40 s.
    private static let patience: Int32 = 20_000
    /// Not the caller's, who may be anybody that ran xl.
    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/xen/bin"

    let folder: String

    public init(_ folder: String = defaultFolder) { self.folder = folder }

    /// Runs them, one after another.
    ///
    /// - Throws: `CardError` if one can't be run, fails, or takes longer than 20 s, which ends it; the rest isn't run then.
    func run(_ environment: [String: String]) throws(CardError) {
        for name in try hooks() { try run("\(folder)/\(name)", environment) }
    }

    private func hooks() throws(CardError) -> [String] {
        try names(inFolder: folder).filter { $0.hasSuffix(".hook") && access("\(folder)/\($0)", X_OK) == 0 }
    }

    private func run(_ path: String, _ environment: [String: String]) throws(CardError) {
        let all = environment.merging(["PATH": Self.searchPath, "LANG": "C"]) { own, _ in own }
        var words: [UnsafeMutablePointer<CChar>?] = [strdup(path), strdup("vif"), strdup("post"), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = all.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer {
            for word in words + variables { free(word) }
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        _ = clinux_close_from(&actions, 3)
        // What it leaves behind when its time is over ends with it.
        posix_spawnattr_setflags(&attributes, clinux_spawn_session)
        var child: pid_t = 0
        let failed = posix_spawn(&child, path, &actions, &attributes, &words, &variables)
        guard failed == 0 else { throw CardError("\(path.visible) can't be run: \(SystemErrorNumber(failed))") }
        let status = Self.wait(for: child)
        guard let status else { throw CardError("\(path.visible) took longer than \(Self.patience / 1000) s, and was ended") }
        guard status == 0 else { throw CardError("\(path.visible) has failed: \(Self.words(status))") }
    }

    /// - Returns: as waitpid(2) gives it; nil if it took too long.
    private static func wait(for child: pid_t) -> Int32? {
        let process = clinux_process_descriptor(child)
        var awaited = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        var count: Int32
        repeat { count = process >= 0 ? poll(&awaited, 1, patience) : 1 } while count < 0 && errno == EINTR
        if process >= 0 { close(process) }
        if count == 0 { kill(-child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return count == 0 ? nil : status
    }

    private static func words(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "exit status \(status >> 8 & 0xff)" : "signal \(signal)"
    }
}
