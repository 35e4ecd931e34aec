import Foundation
import Policy
import Testing

@testable import PolicyText

struct PolicyCacheTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "policy-cache-\(UUID().uuidString)")
    private var file: URL { folder.appending(path: "policy.yaml") }

    private func write(_ bridge: String, modified: Date) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // In place: the same inode.
        let text = Data("bridges: {\(bridge): {uplinks: [up0]}}\n".utf8)
        if FileManager.default.fileExists(atPath: file.path) {
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: text)
            try handle.close()
        } else {
            try text.write(to: file)
        }
        try FileManager.default.setAttributes([.modificationDate: modified], ofItemAtPath: file.path)
    }

    @Test func `a change is seen that leaves size and time as they were`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let time = Date(timeIntervalSince1970: 1_700_000_000)
        try write("br0", modified: time)
        let cache = PolicyCache(folder.path)
        #expect(try cache.load().policy.bridges.map(\.name) == ["br0"])
        let mark = PolicyMark(folder.path)
        #expect(PolicyMark(folder.path) == mark)
        // The kernel's clock for files goes in ticks of a few milliseconds.
        usleep(50_000)
        try write("br1", modified: time)
        #expect(PolicyMark(folder.path) != mark)
        #expect(try cache.load().policy.bridges.map(\.name) == ["br1"])
    }
}
