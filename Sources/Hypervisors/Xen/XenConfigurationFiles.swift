import CLinux
import Glibc
import Netlink
import Reporting

/// The guests' configurations of a host: /etc/xen/*.cfg, and all of /etc/xen/auto, where those are that start by themselves.
/// A file that both lead to counts once.
public struct XenConfigurationFiles: Sendable {
    public static let defaultFolder = "/etc/xen"
    /// As many as a host has guests, four times over.
    static let maximumFiles = 4096

    let folder: String

    public init(_ folder: String = defaultFolder) { self.folder = folder }

    /// A file's bytes, and why it has none.
    struct File {
        var path: String
        var bytes: Result<[UInt8], CardError>
    }

    /// Every file, by path. One that is no file, or can't be read, says so.
    func all() throws(CardError) -> [File] {
        let named = try names(inFolder: folder).filter { $0.hasSuffix(".cfg") }.map { "\(folder)/\($0)" }
        let started = try names(inFolder: "\(folder)/auto").map { "\(folder)/auto/\($0)" }
        guard named.count + started.count <= Self.maximumFiles else {
            throw CardError("\(folder.visible) has more than \(Self.maximumFiles) configurations")
        }
        var seen: Set<[UInt64]> = []
        return (named + started).compactMap { path in
            var identity: [UInt64] = []
            let bytes = Result { () throws(CardError) in try Self.bytes(of: path, &identity) }
            guard identity.isEmpty || seen.insert(identity).inserted else { return nil }
            return File(path: path, bytes: bytes)
        }
    }

    /// - Parameter identity: the file's device and number, once it is open.
    private static func bytes(of path: String, _ identity: inout [UInt64]) throws(CardError) -> [UInt8] {
        // A named pipe that nobody writes to must not hold up a guest's start.
        let descriptor = clinux_open(path, O_RDONLY | O_NONBLOCK)
        guard descriptor >= 0 else { throw CardError("\(path.visible) can't be read: \(SystemErrorNumber.current)") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw CardError("\(path.visible) is no regular file") }
        identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= XenConfiguration.maximumBytes {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw CardError("\(path.visible) can't be read: \(SystemErrorNumber.current)") }
            bytes += buffer[..<count]
        }
        throw CardError("\(path.visible) is larger than \(XenConfiguration.maximumBytes) bytes")
    }
}

/// What `#ipv6=` in a guest's configuration gives it.
public struct XenIPv6Comment: Sendable, Hashable {
    public var statements: [GuestCard.Statement]
    /// Files that were left out, and why: none of them this guest's, as far as can be said.
    public var notes: [String]

    /// Looks for the configuration by its `name =`; libxl keeps no comments, so nothing else leads to it. The comment is for
    /// the guest's first card, as in 2008: further ones have `ip=`.
    ///
    /// - Parameters:
    ///   - uuid: a configuration that says another one is of another guest of that name.
    ///   - mac: the card's; a configuration whose first vif says another MAC doesn't speak of this card.
    /// - Throws: `CardError` where the comment can't be read, or two files contradict each other. What is wrong with a file
    ///   that isn't this guest's is a note.
    public init(guest: String, uuid: String?, mac: String, in files: XenConfigurationFiles) throws(CardError) {
        statements = []
        notes = []
        var first: String?
        for file in try files.all() {
            let bytes: [UInt8]
            do throws(CardError) { bytes = try file.bytes.get() } catch {
                notes.append("\(error)")
                continue
            }
            // Most have no such comment, and needn't be read in full.
            guard Self.mayTell(bytes) else { continue }
            let configuration: XenConfiguration
            do throws(CardError) { configuration = try XenConfiguration(bytes, file: file.path) } catch {
                notes.append("\(error)")
                continue
            }
            guard configuration.name == guest, !configuration.ipv6Comments.isEmpty else { continue }
            if let reason = Self.doesNotSpeak(configuration, uuid, mac) {
                notes.append("\(file.path.visible): \(reason)")
                continue
            }
            let found = try Self.read(configuration, file.path)
            if let first, Set(found.map(\.text)) != Set(statements.map(\.text)) {
                throw CardError(
                    "\(first.visible) and \(file.path.visible) both are guest \(guest.visible)'s, and their #ipv6= aren't the same: keep one")
            }
            if first == nil { (first, statements) = (file.path, found) }
        }
    }

    private static func read(_ configuration: XenConfiguration, _ path: String) throws(CardError) -> [GuestCard.Statement] {
        var statements: [GuestCard.Statement] = []
        for comment in configuration.ipv6Comments {
            let source = "#ipv6= in \(path.visible):\(comment.line)"
            let read = try XenAddresses.read(comment.text, allowsIPv4: false, source: source)
            statements += read.filter { one in !statements.contains { $0.text == one.text } }
        }
        return statements
    }

    private static func doesNotSpeak(_ configuration: XenConfiguration, _ uuid: String?, _ mac: String) -> String? {
        if let stated = configuration.uuid, let uuid, stated.lowercased() != uuid.lowercased() {
            return "its uuid is another guest's of this name, so its #ipv6= doesn't count"
        }
        if let stated = configuration.vifs.first?.mac, stated.lowercased() != mac.lowercased() {
            return "its first vif has another MAC than this card, so its #ipv6= doesn't count"
        }
        return nil
    }

    /// Whether "ipv6" is in it, in any case.
    private static func mayTell(_ bytes: [UInt8]) -> Bool {
        var place = 3
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "6"), bytes[place - 3] | 0x20 == UInt8(ascii: "i"), bytes[place - 2] | 0x20 == UInt8(ascii: "p"),
                bytes[place - 1] | 0x20 == UInt8(ascii: "v")
            {
                return true
            }
            place += 1
        }
        return false
    }
}
