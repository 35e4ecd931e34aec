import Datapath
import Glibc

/// What is loaded and pinned.
struct Pins: Sendable, Hashable {
    enum Loaded: Sendable, Hashable {
        case nothing
        /// - Parameter isCurrent: whether the programs are those of this vifguard.
        case programs(isCurrent: Bool, stampBit: Int, maximumPorts: Int)
        /// It is there, and can't be opened.
        case failed(DatapathError)
    }

    var path: String
    var loaded: Loaded
    /// Whether the folder, or where it would be made, is in a bpffs.
    var isInBPFFileSystem: Bool
    /// What /sys/kernel/rcu_expedited was before a run that was killed set it; nil: none has left a note.
    var expeditedNote: String?
    /// The stamp's bit that the policy wants.
    var wantedStampBit: Int?
    /// The room for ports that the policy wants.
    var wantedPorts: Int?

    var findings: [Finding] { [state, fileSystem, stamp, room, expedited].compactMap(\.self) }

    private var state: Finding? {
        switch loaded {
        case .nothing, .programs(isCurrent: true, _, _): return nil
        case .programs(isCurrent: false, _, _):
            return Finding(
                "programs-of-another-version", .warning, path, found: "the programs in force are another vifguard's",
                meaning: "They guard as that version does. To exchange them, with no port unguarded for a moment:", mend: ["vifguard apply"])
        case .failed(.layout(_, let found, let known)):
            return Finding(
                "maps-of-another-layout", .problem, path, found: "the maps in force have layout \(found), and this vifguard knows \(known)",
                meaning: "They guard, and this version can neither read nor change what they say. To move every port to new maps:",
                mend: ["vifguard apply"])
        case .failed(.otherNetwork):
            return Finding(
                "pins-of-another-network", .problem, path, found: "the pins belong to another network namespace",
                meaning: "Nothing here is guarded by them: interface numbers mean other interfaces there. Give this namespace a folder of its own:",
                mend: ["vifguard apply --pins \(path.shellWord)-2"])
        case .failed(.notInBPFFileSystem): return nil
        case .failed(let error):
            return .unseen(path, because: "\(error)", hides: "what the kernel guards", mend: geteuid() == 0 ? [] : ["sudo vifguard doctor"])
        }
    }

    private var fileSystem: Finding? {
        guard !isInBPFFileSystem else { return nil }
        let isUsual = path == "/sys/fs/bpf" || path.hasPrefix("/sys/fs/bpf/")
        return Finding(
            "no-bpffs", isUsual ? .note : .problem, path, found: "no bpffs is mounted there",
            meaning: isUsual ? "So nothing is pinned, and nothing guarded; 'vifguard apply' mounts it." : "Programs can't be pinned there.",
            mend: ["mount -t bpf bpf \(isUsual ? "/sys/fs/bpf" : path.shellWord)"])
    }

    private var stamp: Finding? {
        guard case .programs(_, let bit, _) = loaded, let wantedStampBit, wantedStampBit != bit else { return nil }
        return Finding(
            "stamp-bit-differs", .warning, path, found: "the stamp is bit \(bit) of the packet mark, and the policy says \(wantedStampBit)",
            meaning: "To exchange the programs:", mend: ["vifguard apply"])
    }

    private var room: Finding? {
        guard case .programs(_, _, let ports) = loaded, let wantedPorts, wantedPorts != ports else { return nil }
        let found = "the maps have room for \(ports) ports, and the policy says max-ports: \(wantedPorts)"
        guard ports < wantedPorts else {
            return Finding(
                "more-room-for-ports", .note, path, found: found,
                meaning: "They take more memory than asked for, until the host starts anew.")
        }
        return Finding(
            "less-room-for-ports", .warning, path, found: found,
            meaning: "To move every port to larger ones, with no port unguarded for a moment; counters start anew:",
            mend: ["vifguard apply"])
    }

    private var expedited: Finding? {
        guard let expeditedNote else { return nil }
        return Finding(
            "rcu-expedited-left", .warning, "/sys/kernel/rcu_expedited", found: "a run that was killed has left it at 1",
            meaning: "Short grace periods interrupt every CPU. The next 'vifguard apply' or 'attach' that attaches something puts it back; or:",
            mend: ["echo \(expeditedNote.shellWord) > /sys/kernel/rcu_expedited", "rm /run/vifguard/rcu_expedited"])
    }
}
