import Addresses
import DatapathProgram
import Policy

/// What an interface's record is to say.
public enum PortRecord: Sendable, Hashable {
    /// Of a guest port that nobody vouches for: nothing passes.
    case closed(Port)
    /// Of a guest port, with its bridge's IPv4 subnets.
    case guest(Binding, Port, subnets: [IPv4Prefix])
    case uplink(Port, Mode)
    /// Of a bridge's own interface.
    case bridge(Port)
}

/// One hook of one interface.
public struct HookPlace: Sendable, Hashable {
    public var interface: UInt32
    public var kind: PortKind
    public var hook: Hook

    public init(interface: UInt32, kind: PortKind, hook: Hook) {
        self.interface = interface
        self.kind = kind
        self.hook = hook
    }
}

/// Records apart from programs, many at once: whoever guards a bridge in service writes all records, then attaches at all
/// entries, then at all exits.
extension Datapath {
    /// Writes records, in order, and attaches nothing.
    ///
    /// - Returns: for each, nil or why it couldn't be written; what was in force there stays then.
    public func write(_ wanted: [PortRecord]) throws(DatapathError) -> [DatapathError?] {
        try exclusively { () throws(DatapathError) in
            wanted.map { record in
                do throws(DatapathError) {
                    try write(record)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    private func write(_ record: PortRecord) throws(DatapathError) {
        switch record {
        case .closed(let port): try writeClosed(port)
        case .guest(let binding, let port, let subnets): try write(binding, port, subnets, records.record(of: port.index))
        case .uplink(let port, let mode): try writeTrusted(port, .uplink, mode)
        case .bridge(let port): try writeTrusted(port, .bridge, .enforce)
        }
    }

    /// Sees to it that the right program runs at each place, in order.
    ///
    /// - Returns: for each, nil or why it couldn't be attached.
    public func attach(_ places: [HookPlace], way: AttachmentWay? = nil) throws(DatapathError) -> [DatapathError?] {
        guard !places.isEmpty else { return [] }
        return try exclusively { () throws(DatapathError) in
            let programs = try currentPrograms()
            return try ExpeditedGrace.run { () throws(DatapathError) in
                places.map { place in
                    do throws(DatapathError) {
                        let target = Attacher.Target(interface: place.interface, kind: place.kind)
                        try attacher.attach(target, programs, way: way, hooks: [place.hook], isExpedited: true)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
        }
    }

    /// Takes our programs off interfaces and forgets their records; a bridge's owners go with its own. Those that ask for
    /// a stamp go before those that give it, so that what passed goes on passing.
    ///
    /// - Returns: for each, nil or why it is still there.
    public func detach(_ interfaces: [UInt32]) throws(DatapathError) -> [DatapathError?] {
        guard !interfaces.isEmpty else { return [] }
        return try exclusively { () throws(DatapathError) in
            var kinds: [UInt32: PortKind] = [:]
            for interface in interfaces { kinds[interface] = try records.record(of: interface).flatMap { PortKind(rawValue: $0.kind) } }
            return try ExpeditedGrace.run { () throws(DatapathError) in
                for isExit in [true, false] {
                    for interface in interfaces { try? attacher.removeLink(interface, Self.hook(kinds[interface], isExit: isExit)) }
                }
                return interfaces.map { interface in
                    do throws(DatapathError) {
                        try attacher.detach(interface, isExpedited: true)
                        try forget(interface)
                        if kinds[interface] == .bridge { try forgetOwners(bridge: interface) }
                        return nil
                    } catch {
                        return error
                    }
                }
            }
        }
    }

    private static func hook(_ kind: PortKind?, isExit: Bool) -> Hook { (kind == .bridge) == isExit ? .ingress : .egress }

    private func forgetOwners(bridge: UInt32) throws(DatapathError) {
        for (key, _) in try maps.ownerMACs.entries() where key.bridge == bridge { try maps.ownerMACs.remove(key) }
        for (key, _) in try maps.owners4.entries() where key.scope == bridge { try maps.owners4.remove(key) }
        for (key, _) in try maps.owners6.entries() where key.scope == bridge { try maps.owners6.remove(key) }
        for (key, _) in try maps.ownerPrefixes4.entries() where key.scope == bridge { try maps.ownerPrefixes4.remove(key) }
        for (key, _) in try maps.ownerPrefixes6.entries() where key.scope == bridge { try maps.ownerPrefixes6.remove(key) }
    }
}
