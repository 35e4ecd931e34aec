import Glibc
import Netlink

/// Short RCU grace periods while programs are attached.
///
/// Attaching a tcx link waits for a grace period, 10-20 ms a link; with /sys/kernel/rcu_expedited at 1 it is some 50 µs.
/// The setting is the whole host's, so: one process at a time (a lock on /run: each network namespace may have a sysfs of
/// its own, where the file is another to flock(2), but the setting is the same), the former value restored on every way out, signals that end a process held back meanwhile, and the former value noted in
/// /run/vifguard/rcu_expedited, from where the next run restores it if this one is killed by what can't be held back.
/// Where the file can't be written (a container) it is slower, nothing else.
enum ExpeditedGrace {
    private static let setting = "/sys/kernel/rcu_expedited"
    private static let lockFolder = "/run"
    private static let noteFolder = "/run/vifguard"
    private static let note = "/run/vifguard/rcu_expedited"

    static func run<T>(_ body: () throws(DatapathError) -> T) throws(DatapathError) -> T {
        let file = open(setting, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return try body() }
        defer { close(file) }
        let lock = open(lockFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { return try body() }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 { if errno != EINTR { return try body() } }
        let held = holdSignals()
        defer { release(held) }
        guard let former = noted() ?? read(file) else { return try body() }
        if former == "1" { return try body() }
        let hasMadeFolder = writeNote(former)
        guard write(file, "1") else {
            removeNote(withFolder: hasMadeFolder)
            return try body()
        }
        defer {
            if write(file, former) { removeNote(withFolder: hasMadeFolder) }
        }
        return try body()
    }

    private static func removeNote(withFolder: Bool) {
        unlink(note)
        // One that was there is somebody else's: an agent's, in whose view of the files it may be all that can be written.
        if withFolder { rmdir(noteFolder) }
    }

    private static func read(_ file: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer[..<count].prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    private static func write(_ file: Int32, _ value: String) -> Bool { pwrite(file, value, value.utf8.count, 0) == value.utf8.count }

    /// What a run that was killed has left to be restored.
    private static func noted() -> String? {
        let file = open(note, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return read(file)
    }

    /// - Returns: whether it has made the folder.
    private static func writeNote(_ value: String) -> Bool {
        let hasMadeFolder = mkdir(noteFolder, 0o700) == 0
        let file = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return hasMadeFolder }
        _ = write(file, value)
        close(file)
        return hasMadeFolder
    }

    private static func holdSignals() -> sigset_t {
        var held = sigset_t()
        var former = sigset_t()
        sigemptyset(&held)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE] { sigaddset(&held, signal) }
        pthread_sigmask(SIG_BLOCK, &held, &former)
        return former
    }

    private static func release(_ former: sigset_t) {
        var former = former
        pthread_sigmask(SIG_SETMASK, &former, nil)
    }
}
