import CBPF
import Datapath
import Foundation
import Glibc

extension Pins {
    /// - Returns: also what is open, if it could be.
    static func observe(_ pins: PinFolder) -> (Pins, Datapath?) {
        var facts = Pins(path: pins.path, loaded: .nothing, isInBPFFileSystem: isInBPFFileSystem(pins.path), expeditedNote: expeditedNote())
        do throws(DatapathError) {
            let datapath = try Datapath.open(pins: pins)
            let isCurrent = try datapath.programIdentity == DatapathObject.embedded.identity()
            facts.loaded = .programs(isCurrent: isCurrent, stampBit: datapath.stampBit, maximumPorts: datapath.maximumPorts)
            return (facts, datapath)
        } catch {
            if case .notLoaded = error { return (facts, nil) }
            facts.loaded = .failed(error)
            return (facts, nil)
        }
    }

    private static func isInBPFFileSystem(_ path: String) -> Bool {
        var existing = path
        while access(existing, F_OK) != 0, let slash = existing.lastIndex(of: "/") {
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
        return cbpf_is_in_bpffs(existing) != 0
    }

    /// What a run that was killed has noted; nil while one is at it, which holds a lock on /run.
    private static func expeditedNote() -> String? {
        let lock = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { return nil }
        defer { close(lock) }
        guard flock(lock, LOCK_SH | LOCK_NB) == 0 else { return nil }
        guard let note = try? String(contentsOfFile: "/run/vifguard/rcu_expedited", encoding: .utf8) else { return nil }
        let number = note.prefix { $0.isASCII && $0.isNumber }
        return number.isEmpty || number.count > 3 ? nil : String(number)
    }
}
