import Glibc
import Netlink
import Reporting

/// The names of what a folder holds, sorted by their bytes: without hidden ones, and those that aren't UTF-8. A folder that
/// isn't there holds nothing.
///
/// - Throws: `CardError` if it can't be read.
func names(inFolder folder: String) throws(CardError) -> [String] {
    guard let open = opendir(folder) else {
        if errno == ENOENT { return [] }
        throw CardError("\(folder.visible) can't be read: \(SystemErrorNumber.current)")
    }
    defer { closedir(open) }
    var names: [String] = []
    while let entry = readdir(open) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(validating: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if let name, !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
