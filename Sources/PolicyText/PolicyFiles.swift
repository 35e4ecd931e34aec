import Foundation
import Policy

/// The files of a policy: one file, or a folder with `policy.yaml` and one file a guest, or a few, in `guests.d`.
public enum PolicyFiles {
    public static let defaultPath = "/etc/vifguard"
    /// No file may be larger: 16 MiB, a hundred times a full host's policy.
    public static let maximumBytes = 16 << 20
    /// As many as a host has ports at most.
    public static let maximumGuestFiles = HostConfiguration.portBounds.upperBound

    /// Reads and checks a policy. Throws everything that is wrong with it, in the order of files and lines.
    ///
    /// - Parameter path: a file, or a folder. In a folder, `policy.yaml` and then the files `guests.d/*.yaml`, sorted
    ///   by name, are read; hidden files and those with other names aren't.
    public static func load(_ path: String = defaultPath) throws(ConfigurationErrors) -> HostConfiguration {
        let faults = Faults()
        let sources = isFolder(path) ? folder(path, faults) : file(path, faults)
        return try configuration(from: sources, faults)
    }

    /// Reads and checks a policy that is at hand already.
    ///
    /// - Parameter file: what errors call it.
    public static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationErrors) -> HostConfiguration {
        let faults = Faults()
        faults.begin(file: file)
        let isTooLarge = bytes.count > maximumBytes
        if isTooLarge { faults.report(tooLarge, at: SourceLocation(file: file), write: tooLargeAdvice) }
        return try configuration(from: isTooLarge ? [] : [Source(name: file, bytes: bytes)], faults)
    }

    public static func parse(_ text: String, file: String) throws(ConfigurationErrors) -> HostConfiguration {
        try parse(Array(text.utf8), file: file)
    }

    /// The engine that a policy names, whatever else is wrong with it: what takes a guest's rules away has to work then, too.
    ///
    /// - Returns: the usual engine where none can be read.
    public static func engine(_ path: String = defaultPath) -> Engine {
        let faults = Faults()
        let source = isFolder(path) ? "\(path)/policy.yaml" : path
        var draft = PolicyDraft()
        if let bytes = bytes(of: source, called: source, mustBeRegular: true, faults) {
            read(Source(name: source, bytes: bytes), into: &draft, faults)
        }
        return draft.engine?.value ?? .ebpf
    }

    // MARK: From sources to a configuration

    private struct Source {
        var name: String
        var bytes: [UInt8]
        /// For a file of `guests.d`: the guest it is called after.
        var guest: String?
    }

    private static func configuration(from sources: [Source], _ faults: Faults) throws(ConfigurationErrors) -> HostConfiguration {
        var draft = PolicyDraft()
        for source in sources { read(source, into: &draft, faults) }
        PolicyCheck(draft: draft, faults: faults).run()
        let found = faults.sorted
        if faults.hasErrors { throw ConfigurationErrors(found) }
        let policy = HostPolicy(bridges: draft.bridges.map(\.policy), interfaces: draft.interfaces.map(\.policy), defaults: draft.defaults.asDefaults)
        return HostConfiguration(
            policy: policy, engine: draft.engine?.value ?? .ebpf, stampBit: draft.stampBit, maximumPorts: draft.maximumPorts,
            warnings: found)
    }

    private static func read(_ source: Source, into draft: inout PolicyDraft, _ faults: Faults) {
        guard let value = YAMLDocument.read(source.bytes, file: source.name, faults: faults) else {
            // What the unreadable file says of bridges nobody knows.
            if source.guest == nil { draft.knowsBridges = false }
            return
        }
        let reader = PolicyReader(faults: faults)
        if let guest = source.guest {
            reader.readGuestFile(value, called: guest, into: &draft)
        } else {
            reader.readPolicyFile(value, into: &draft)
        }
    }

    // MARK: Files

    private static func file(_ path: String, _ faults: Faults) -> [Source] {
        faults.begin(file: path)
        return bytes(of: path, called: path, mustBeRegular: false, faults).map { [Source(name: path, bytes: $0)] } ?? []
    }

    private static func folder(_ path: String, _ faults: Faults) -> [Source] {
        faults.begin(file: "policy.yaml")
        let main = bytes(of: path + "/policy.yaml", called: "policy.yaml", mustBeRegular: true, faults)
        var sources = main.map { [Source(name: "policy.yaml", bytes: $0)] } ?? []
        let names = guestFiles(of: path, faults)
        for name in names {
            let shown = "guests.d/" + name
            faults.begin(file: shown)
            if let bytes = bytes(of: "\(path)/\(shown)", called: shown, mustBeRegular: true, faults) {
                sources.append(Source(name: shown, bytes: bytes, guest: String(name.dropLast(".yaml".count))))
            }
        }
        return sources
    }

    /// Names in `guests.d`, sorted by their bytes, so that the order is the same everywhere.
    private static func guestFiles(of path: String, _ faults: Faults) -> [String] {
        let folder = path + "/guests.d"
        guard isFolder(folder) else { return [] }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            faults.report(
                "guests.d can't be read", at: SourceLocation(file: "guests.d"),
                write: "its permissions so that vifguard may read it, or run as root")
            return []
        }
        let visible = names.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for name in visible where name.hasSuffix(".yml") {
            let right = printable(name.dropLast(4)) + ".yaml"
            faults.begin(file: "guests.d/" + name)
            faults.warn(
                "not read: only files that end in .yaml are", at: SourceLocation(file: "guests.d/" + name), write: "the name \(right)")
        }
        let files = visible.filter { $0.hasSuffix(".yaml") }
        if files.count > maximumGuestFiles {
            faults.report(
                "guests.d has more than \(maximumGuestFiles) files", at: SourceLocation(file: "guests.d"),
                write: "several guests in one file")
        }
        return Array(files.prefix(maximumGuestFiles))
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static let tooLarge = "larger than 16 MiB"
    private static let tooLargeAdvice = "a smaller policy, or its guests into several files in guests.d"

    /// The file's bytes, never more than `maximumBytes`; what stops that is reported.
    private static func bytes(of path: String, called name: String, mustBeRegular: Bool, _ faults: Faults) -> [UInt8]? {
        let place = SourceLocation(file: name)
        // A named pipe that nobody writes to must not hold up whoever reads the folder.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (mustBeRegular ? O_NONBLOCK : 0))
        guard descriptor >= 0 else {
            report(errno, at: place, path, faults)
            return nil
        }
        defer { close(descriptor) }
        var status = stat()
        if mustBeRegular, fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG {
            faults.report("not a regular file", at: place, write: "a file of text in its place")
            return nil
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= maximumBytes {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                report(errno, at: place, path, faults)
                return nil
            }
            bytes += buffer[..<count]
        }
        faults.report(tooLarge, at: place, write: tooLargeAdvice)
        return nil
    }

    private static func report(_ error: Int32, at place: SourceLocation, _ path: String, _ faults: Faults) {
        switch error {
        case ENOENT, ENOTDIR:
            faults.report(
                "there is no file \(printable(path))", at: place, write: "a policy there; share/doc/vifguard/policy.example.yaml is one to begin with"
            )
        case EACCES, EPERM:
            faults.report(
                "\(printable(path)) may not be read", at: place, write: "its permissions so that vifguard may read it, or run as root")
        default:
            faults.report("\(printable(path)) can't be read: \(String(cString: strerror(error)))", at: place)
        }
    }
}
