import CLinux
import Glibc
import Netlink
import Policy
import PolicyText
import Reporting

/// libvirt's running guests, read from its own files (`/run/libvirt/qemu/NAME.xml`, which libvirt alone writes), for ports that
/// no hook has told of: `virsh attach-device` and `update-device` call none. libvirt writes a guest's file after its tap has
/// joined the bridge, so whoever asks listens for changes, too.
public final class LiveDomains {
    public static let defaultFolder = "/run/libvirt/qemu"

    /// Readable when a guest's file may have changed: inotify(7).
    public let descriptor: Int32
    private let folder: String
    private var files: [String: File] = [:]

    private struct File {
        var mark: FileMark
        var domain: Result<LibvirtDomain, CardError>

        /// Names of its taps.
        var ports: Set<String> { Set((try? domain.get())?.interfaces.compactMap(\.target) ?? []) }
    }

    /// - Throws: `CardError` where the kernel has no inotify instance left. Whether there is such a folder doesn't matter yet.
    public init(folder: String = defaultFolder) throws(CardError) {
        self.folder = folder
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw CardError("can't watch \(folder): \(SystemErrorNumber(errno))") }
    }

    deinit { close(descriptor) }

    /// Takes what has changed since it was last called.
    ///
    /// - Returns: names of ports of which libvirt says something else now, and for each file that can't be read, why.
    public func refresh() -> (ports: Set<String>, problems: [String]) {
        clear()
        var present: [String: File] = [:]
        var changed: Set<String> = []
        var problems: [String] = []
        var names: [String] = []
        do throws(CardError) { names = try DomainFile.names(in: folder) } catch { problems.append("\(error)") }
        for name in names {
            guard let mark = FileMark(path: "\(folder)/\(name)") else { continue }
            if let known = files[name], known.mark == mark {
                present[name] = known
                continue
            }
            let file = File(mark: mark, domain: Self.read("\(folder)/\(name)"))
            changed.formUnion(file.ports.union(files[name]?.ports ?? []))
            present[name] = file
        }
        for (name, file) in files where present[name] == nil { changed.formUnion(file.ports) }
        files = present
        problems += present.sorted { $0.key < $1.key }.compactMap { name, file -> String? in
            guard case .failure(let error) = file.domain else { return nil }
            return "\(folder)/\(name.visible): \(error)"
        }
        return (changed, problems)
    }

    /// The interface behind a port, as libvirt's guest has it or, where the policy names that, the policy.
    ///
    /// - Parameter bridge: the one that the port is in now; libvirt must say so, too.
    /// - Returns: nil if no guest has a tap of that name there.
    /// - Throws: `CardError` if the guest can't be bound as it is described.
    public func interface(at port: String, on bridge: String, under configuration: HostConfiguration) throws(CardError) -> GuestInterface? {
        var found: [(domain: LibvirtDomain, interface: LibvirtDomain.Interface)] = []
        for case .success(let domain) in files.values.map(\.domain) {
            found += domain.interfaces.filter { $0.target == port && $0.source == .bridge(bridge) }.map { (domain, $0) }
        }
        guard found.count < 2 else {
            let guests = found.map(\.domain.name.visible).sorted().joined(separator: " and ")
            throw CardError("libvirt's files have it as a port of \(guests): restart libvirt's daemon, which clears them")
        }
        guard let (domain, card) = found.first else { return nil }
        do throws(CardError) {
            let resolution = try domain.card(of: card, on: bridge, port: port).interface(under: configuration)
            var interface = resolution.interface
            // Who is named by the policy is what the policy says, in this, too.
            if !resolution.isStatedByPolicy { interface.binding.isMigrating = domain.isMigrating }
            return interface
        } catch {
            throw CardError("guest \(domain.name.visible), card \(card.mac.visible): \(error)")
        }
    }

    // MARK: Files

    private func clear() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while Glibc.read(descriptor, &buffer, buffer.count) > 0 {}
        // libvirt may be installed, or started, at any time. What is watched already isn't twice.
        let parent = folder.lastIndex(of: "/").map { $0 == folder.startIndex ? "/" : String(folder[..<$0]) } ?? "."
        inotify_add_watch(descriptor, folder, UInt32(IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF))
        inotify_add_watch(descriptor, parent, UInt32(IN_CREATE | IN_MOVED_TO))
    }

    private static func read(_ path: String) -> Result<LibvirtDomain, CardError> {
        Result { () throws(CardError) in try LibvirtDomain(DomainFile.read(path, mustBeRoots: true)) }
    }
}
