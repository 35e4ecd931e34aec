import CBPF
import Glibc
import Netlink

/// The folder in a bpffs that keeps programs, maps and links in the kernel when no process of ours runs.
///
/// ```
/// vifguard/current/ledger           which program and layout this is; written last
/// vifguard/current/maps/ports ...
/// vifguard/current/programs/guest_ingress ...
/// vifguard/links/7-in, 7-out        tcx links by interface number (names change, and bpffs allows no dots)
/// vifguard/next/                    a set of maps about to replace `current`
/// ```
public struct PinFolder: Sendable, Hashable {
    public static let defaultPath = "/sys/fs/bpf/vifguard"
    private static let usualMount = "/sys/fs/bpf"

    /// Absolute or relative, without a slash at the end.
    public let path: String

    public init(_ path: String = defaultPath) {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    /// One set of maps with the programs loaded on it.
    enum Generation: String {
        case current
        case next
        case previous
    }

    func folder(_ generation: Generation) -> String { "\(path)/\(generation.rawValue)" }
    func ledger(_ generation: Generation) -> String { "\(path)/\(generation.rawValue)/ledger" }
    func map(_ name: String, _ generation: Generation) -> String { "\(path)/\(generation.rawValue)/maps/\(name)" }
    func program(_ name: String, _ generation: Generation) -> String { "\(path)/\(generation.rawValue)/programs/\(name)" }
    var links: String { "\(path)/links" }
    func link(_ interface: UInt32, _ hook: Hook) -> String { "\(links)/\(interface)-\(hook.rawValue)" }

    // MARK: Folder

    /// Whether the folder is there.
    var exists: Bool { access(path, F_OK) == 0 }

    /// Makes the folder, readable for root alone, and mounts a bpffs at /sys/fs/bpf if it is to lie there and none is.
    func prepare() throws(DatapathError) {
        var existing = path
        while access(existing, F_OK) != 0, let slash = existing.lastIndex(of: "/") {
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
        if cbpf_is_in_bpffs(existing) == 0 {
            guard path == Self.usualMount || path.hasPrefix(Self.usualMount + "/") else { throw .notInBPFFileSystem(path: path) }
            try Self.mountUsual()
        }
        for folder in [path, links] { try Self.make(folder) }
    }

    func makeFolders(_ generation: Generation) throws(DatapathError) {
        for folder in [folder(generation), "\(folder(generation))/maps", "\(folder(generation))/programs"] { try Self.make(folder) }
    }

    /// Removes a set's pins; what nobody else holds goes from the kernel.
    func remove(_ generation: Generation) throws(DatapathError) { try Self.remove(folder(generation)) }

    func removeAll() throws(DatapathError) { try Self.remove(path) }

    func rename(_ old: Generation, to new: Generation) throws(DatapathError) {
        try Self.rename(folder(old), to: folder(new))
    }

    static func rename(_ old: String, to new: String) throws(DatapathError) {
        guard Glibc.rename(old, new) == 0 else { throw .system(action: "rename \(old) to \(new)", errno: .current) }
    }

    static func unpin(_ path: String) throws(DatapathError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .system(action: "remove \(path)", errno: .current) }
    }

    /// The entries of one of the folders; none if it isn't there.
    static func entries(of folder: String) throws(DatapathError) -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw .system(action: "list \(folder)", errno: .current)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func make(_ folder: String) throws(DatapathError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
                try make(String(folder[..<slash]))
                return try make(folder)
            }
            throw .system(action: "make the folder \(folder)", errno: .current)
        }
    }

    private static func remove(_ folder: String) throws(DatapathError) {
        for name in try entries(of: folder) {
            let path = "\(folder)/\(name)"
            if unlink(path) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else { throw .system(action: "remove \(path)", errno: .current) }
            try remove(path)
        }
        guard rmdir(folder) == 0 || errno == ENOENT else { throw .system(action: "remove \(folder)", errno: .current) }
    }

    private static func mountUsual() throws(DatapathError) {
        guard access(usualMount, F_OK) == 0 else { throw .missingFeature("the bpf system call (CONFIG_BPF_SYSCALL)") }
        guard mount("bpf", usualMount, "bpf", UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC) | UInt(MS_RELATIME), "mode=0700") == 0
        else { throw .call("mount a bpffs at \(usualMount)", errno) }
    }

    // MARK: Lock

    /// Runs `body` while no other process, and no other thread of this one, changes anything behind these pins. Not to be
    /// nested. A killed process lets go of the lock.
    func exclusively<T>(_ body: () throws(DatapathError) -> T) throws(DatapathError) -> T {
        while true {
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else {
                if errno == ENOENT { throw .notLoaded(path: path) }
                throw .system(action: "open \(path)", errno: .current)
            }
            defer { close(descriptor) }
            while flock(descriptor, LOCK_EX) != 0 {
                guard errno == EINTR else { throw .system(action: "lock \(path)", errno: .current) }
            }
            // While we waited the folder may have been removed and made anew: then this lock guards nothing.
            var locked = stat()
            var present = stat()
            guard fstat(descriptor, &locked) == 0, stat(path, &present) == 0, locked.st_ino == present.st_ino,
                locked.st_dev == present.st_dev
            else { continue }
            return try body()
        }
    }
}
