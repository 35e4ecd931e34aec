import CBPF
import Glibc
import Netlink

/// An open file descriptor, closed with its last reference.
final class Descriptor: Sendable {
    let number: Int32

    /// Takes over a descriptor that a call gave, or the negative errno it failed with.
    init(_ result: Int32, _ action: @autoclosure () -> String) throws(DatapathError) {
        guard result >= 0 else { throw .call(action(), result) }
        number = result
    }

    deinit { close(number) }

    /// What is pinned at the path; nil if nothing is.
    static func pinned(at path: String) throws(DatapathError) -> Descriptor? {
        let result = bpf_obj_get(path)
        return result == -ENOENT ? nil : try Descriptor(result, "open \(path)")
    }

    func pin(at path: String) throws(DatapathError) {
        let result = bpf_obj_pin(number, path)
        guard result == 0 else { throw .call("pin \(path)", result) }
    }
}
