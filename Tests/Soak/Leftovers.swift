import Datapath
import Foundation
import Lab

/// What the kernel has of ours: what is pinned, and what maps hold beyond the records.
struct Leftovers: Equatable, Sendable {
    var pins: Set<String> = []
    var entries: [String: Int] = [:]

    func differences(from expected: Leftovers) -> String {
        var words: [String] = []
        let (more, fewer) = (pins.subtracting(expected.pins).sorted(), expected.pins.subtracting(pins).sorted())
        if !more.isEmpty { words.append("pins too many: \(more.joined(separator: " "))") }
        if !fewer.isEmpty { words.append("pins missing: \(fewer.joined(separator: " "))") }
        for (map, count) in expected.entries.sorted(by: { $0.key < $1.key }) where entries[map] != count {
            words.append("entries of map \(map): expected \(count), got \(entries[map] ?? 0)")
        }
        return words.joined(separator: "; ")
    }
}

extension SoakNetwork {
    func leftovers() throws -> Leftovers {
        try host.run {
            let folder = "/sys/fs/bpf/vifguard"
            guard let pins = FileManager.default.subpaths(atPath: folder), !pins.isEmpty else { return Leftovers() }
            return Leftovers(pins: Set(pins), entries: try Datapath.open().entryCounts())
        }
    }
}
