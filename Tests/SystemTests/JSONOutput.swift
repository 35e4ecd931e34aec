import Foundation
import Lab
import Testing

/// What iproute2 says in JSON: the second witness for what Netlink reads and writes.
struct JSONOutput {
    let objects: [[String: Any]]

    init(_ arguments: [String], in namespace: NetworkNamespace) throws {
        let text = try namespace.output(of: arguments)
        objects = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    }

    /// The value below a path of keys in the first object that has it.
    func string(_ path: String...) -> String? { value(path) as? String }
    func number(_ path: String...) -> Int? { value(path) as? Int }
    func flag(_ path: String...) -> Bool? { value(path) as? Bool }

    private func value(_ path: [String]) -> Any? {
        objects.lazy.compactMap { object in path.reduce(object as Any?) { ($0 as? [String: Any])?[$1] } }.first
    }
}
