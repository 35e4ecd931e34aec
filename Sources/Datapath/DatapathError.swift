import Netlink

/// Why the kernel's side of the guard couldn't be loaded, changed or read: what was wrong, where, and what to do.
public enum DatapathError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A call failed; `action` reads after "can't".
    case system(action: String, errno: SystemErrorNumber)
    /// Interfaces, qdiscs and filters.
    case network(NetlinkError)
    /// The process may not load programs.
    case notPermitted(action: String)
    /// The kernel can't do something that is needed; the text names the feature and its build option.
    case missingFeature(String)
    /// Neither a tcx link nor a clsact filter can be attached.
    case noAttachment(interface: UInt32, reason: String)
    /// The folder for pins lies in no bpffs.
    case notInBPFFileSystem(path: String)
    /// The object file isn't one of ours, or isn't whole.
    case object(reason: String)
    /// The kernel refuses the programs; the text is the end of libbpf's and the verifier's log.
    case refused(log: String)
    /// Nothing is loaded.
    case notLoaded(path: String)
    /// The maps in force were made by a version with another layout.
    case layout(path: String, found: UInt32, known: UInt32)
    /// The pins belong to another network namespace, whose interface numbers mean other interfaces.
    case otherNetwork(path: String)
    /// The maps this process has open were replaced or removed by another one.
    case superseded(path: String)
    /// A map has no room: `guest` (nil: a bridge's table of owners) keeps the binding that was in force.
    case mapFull(guest: String?, map: String, bound: Int)
    /// More ports than the maps in force have records for.
    case noSlot(bound: Int)
    /// A binding that no record can hold.
    case unfit(guest: String, reason: String)
    /// There is no record of this interface.
    case notGuarded(interface: UInt32)

    public var description: String {
        let classic = "use the engine 'classic' on this host, or boot a kernel that has it"
        switch self {
        case .system(let action, let errno):
            return "can't \(action): \(errno)"
        case .network(let error):
            return "\(error)"
        case .notPermitted(let action):
            return "can't \(action): operation not permitted (EPERM): run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
                + "; in a container or under lockdown the host must allow bpf(2)"
        case .missingFeature(let feature):
            return "this kernel lacks \(feature): \(classic)"
        case .noAttachment(let interface, let reason):
            return "can't attach to interface \(interface): \(reason): \(classic)"
        case .notInBPFFileSystem(let path):
            return
                "\(path) isn't in a bpffs: use the default /sys/fs/bpf/vifguard, or mount one with 'mount -t bpf bpf FOLDER' and give a folder in it"
        case .object(let reason):
            return "the kernel program can't be used: \(reason)"
        case .refused(let log):
            return "the kernel refuses the program; the end of its log:\n\(log)"
        case .notLoaded(let path):
            return "nothing is loaded in \(path): 'vifguard apply' loads it"
        case .layout(let path, let found, let known):
            return
                "the maps in \(path) have layout \(found) and this vifguard knows layout \(known): run 'vifguard apply' of this version, which moves every port to new maps without a gap"
        case .otherNetwork(let path):
            return "the pins in \(path) belong to another network namespace: give each namespace a folder of its own with --pins"
        case .superseded(let path):
            return "the maps in \(path) were replaced by another vifguard while this one ran: start this one again"
        case .mapFull(let guest, let map, let bound):
            let who = guest.map { "guest \($0)" } ?? "the table of owners"
            return
                "\(who): map '\(map)' is full at \(bound) entries; what was in force stays: bind prefixes in place of single addresses, or fewer guests"
        case .noSlot(let bound):
            let most = Datapath.portBounds.upperBound
            return "all \(bound) port records are taken: detach ports that are gone, or raise max-ports in the policy (to \(most) at most)"
        case .unfit(let guest, let reason):
            return "guest \(guest): \(reason)"
        case .notGuarded(let interface):
            return "interface \(interface) has no record: attach it first"
        }
    }

    /// For a libbpf call that gave a negative errno.
    static func call(_ action: String, _ result: Int32) -> DatapathError {
        let number = result < 0 ? -result : result
        return number == 1 ? .notPermitted(action: action) : .system(action: action, errno: SystemErrorNumber(number))
    }
}
