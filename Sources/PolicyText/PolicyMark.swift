import Foundation

/// What a policy's files look like from outside: another mark, other files.
package struct PolicyMark: Equatable, Sendable {
    private struct File: Equatable, Sendable {
        var path: String
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
        /// Of the last change of contents, owner or permissions, which nobody can set.
        var changeSeconds: Int
        var changeNanoseconds: Int
    }

    private var files: [File] = []

    /// - Parameter path: a file or a folder.
    package init(_ path: String) {
        add(path)
        add(path + "/policy.yaml")
        let folder = path + "/guests.d"
        add(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names.sorted() where name.hasSuffix(".yaml") { add("\(folder)/\(name)") }
    }

    private mutating func add(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        files.append(
            File(
                path: path, inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec, changeSeconds: status.st_ctim.tv_sec, changeNanoseconds: status.st_ctim.tv_nsec))
    }
}
