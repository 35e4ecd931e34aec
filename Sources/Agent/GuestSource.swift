import Policy
import PolicyText

/// A hypervisor that says who is behind a port that nothing else has told of. The reconciler's thread alone uses it.
public protocol GuestSource: AnyObject {
    /// Readable when it may have something new to say, until `refresh`.
    var descriptor: Int32 { get }

    /// Takes what is new.
    ///
    /// - Returns: names of ports of which it says something else now, and what it can't read, and why.
    func refresh() -> (ports: Set<String>, problems: [String])

    /// The guest's interface behind a port of a bridge; nil if the hypervisor knows of none.
    ///
    /// - Throws: why that one can't be bound.
    func interface(at port: String, on bridge: String, under configuration: HostConfiguration) throws -> GuestInterface?
}
