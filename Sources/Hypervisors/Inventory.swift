import Policy

/// The guests that a hypervisor's own files describe, for a first policy.
public struct Inventory: Sendable, Hashable {
    /// One for each network card on a bridge; by guest, and each without the name of its port.
    public var interfaces: [GuestInterface]
    /// What is to be written by hand, or looked at: each says which file or guest, what of it, and what to do.
    public var notes: [String]

    public init(interfaces: [GuestInterface] = [], notes: [String] = []) {
        self.interfaces = interfaces
        self.notes = notes
    }

    /// Of two hypervisors on one host.
    public static func += (inventory: inout Inventory, other: Inventory) {
        inventory.interfaces += other.interfaces
        inventory.notes += other.notes
    }
}
