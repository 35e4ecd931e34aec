import Addresses
import Datapath
import Enforcement
import Glibc
import Netlink
import Policy
import PolicyText
import Reporting

/// The work of Xen's hot-plug script: a card that comes online is bound before it joins its bridge, one that goes offline
/// is let go of. It needs no agent; one that runs is kept out meanwhile by the lock that all changes take.
public struct XenHotplug {
    public let call: XenHotplugCall
    let store: () throws(XenStoreError) -> XenStore
    let files: XenConfigurationFiles
    let hooks: PostHooks
    let configuration: () throws -> HostConfiguration
    let engine: () -> Engine
    let datapath: () throws -> Datapath

    /// - Parameters:
    ///   - files: where guests' configurations are, for their `#ipv6=`.
    ///   - hooks: the operator's own.
    ///   - configuration: reads the policy; called when a card comes online.
    ///   - engine: the policy's, also where that has errors.
    ///   - datapath: opens what is loaded; throws `DatapathError.notLoaded` where nothing is.
    public init(
        _ call: XenHotplugCall, store: @escaping () throws(XenStoreError) -> XenStore, files: XenConfigurationFiles, hooks: PostHooks,
        configuration: @escaping () throws -> HostConfiguration, engine: @escaping () -> Engine, datapath: @escaping () throws -> Datapath
    ) {
        self.call = call
        self.store = store
        self.files = files
        self.hooks = hooks
        self.configuration = configuration
        self.engine = engine
        self.datapath = datapath
    }

    /// What was done for one card, for people and programs.
    public struct Outcome: Sendable, Hashable, Encodable {
        public var action: String
        public var port: String
        public var guest: String?
        public var bridge: String?
        public var mac: String?
        /// What it may use, and who says so.
        public var addresses: [Address] = []
        /// What may not be meant.
        public var warnings: [String] = []

        public struct Address: Sendable, Hashable, Encodable {
            public var address: String
            public var source: String
        }
    }

    // MARK: Online

    /// Brings the card online, and tells the toolstack through xenstore.
    ///
    /// - Throws: why it isn't: the port is down then, in no bridge, and xenstore says why (`hotplug-error`).
    public func online() throws -> Outcome {
        var store: XenStore?
        do {
            let opened = try self.store()
            store = opened
            return try online(opened)
        } catch {
            // Whoever put it up or into a bridge meanwhile. Its own name alone is certain to be this card's.
            try? unplug(call.port, try? datapath())
            if let store { report(error, in: store) }
            throw error
        }
    }

    private func online(_ store: XenStore) throws -> Outcome {
        let vif = try XenVIF(call, in: store)
        var card = GuestCard(guest: vif.guest, uuid: vif.uuid, port: vif.port, bridge: vif.bridge, mac: vif.mac, origin: .xen)
        let configuration = try configuration()
        var comment = XenIPv6Comment()
        let resolution: GuestCard.Resolution
        if let stated = try card.interfaceStated(by: configuration) {
            resolution = stated
        } else {
            comment = try self.comment(for: vif)
            card.addresses = try XenAddresses.read(vif.ip, source: "ip= of the vif") + comment.statements
            resolution = try card.interface(under: configuration)
        }
        let binding = resolution.interface.binding
        try refuse(resolution, vif)
        let plugged = try plug(vif, resolution.bridge, binding, configuration.engine)
        var outcome = Outcome(action: "online", port: plugged.port, guest: binding.guest, bridge: vif.bridge, mac: vif.mac)
        outcome.addresses = Self.addresses(binding, resolution.isStatedByPolicy ? [] : card.addresses)
        outcome.warnings = comment.notes + plugged.warnings
        if call.device == .vif {
            // Where netfront looks for it, in the guest's own folder: written only, never read. A driver domain may not.
            attempt(&outcome) { () throws -> Void? in
                try store.write("\(plugged.mtu)", at: "/local/domain/\(call.domain)/device/vif/\(call.number)/mtu")
            }
        }
        do {
            if !comment.statements.isEmpty {
                try store.write(comment.statements.map(\.text).joined(separator: " "), at: XenVIF.path(call, "ipv6"))
            }
            try hooks.run(environment(vif, plugged.port))
            if call.device == .vif { try store.write("connected", at: XenVIF.path(call, "hotplug-status")) }
        } catch {
            try? unplug(plugged.port, try? datapath())
            throw error
        }
        return outcome
    }

    private func comment(for vif: XenVIF) throws(CardError) -> XenIPv6Comment {
        // A stub domain's cards are numbered as the guest's own.
        guard call.number == 0 else { return XenIPv6Comment() }
        return try XenIPv6Comment(guest: vif.guest, uuid: vif.uuid, mac: vif.mac, in: files)
    }

    /// A policy that names the port would leave the guest on it without its binding when `apply` looks next.
    private func refuse(_ resolution: GuestCard.Resolution, _ vif: XenVIF) throws(CardError) {
        guard resolution.isStatedByPolicy, let named = resolution.interface.port, named != vif.vifname ?? "vif\(call.domain).\(call.number)" else {
            return
        }
        throw CardError(
            "the policy says that guest \(vif.guest.visible) with \(vif.mac.visible) is on port \(named.visible), and this is \(vif.port.visible): Xen numbers ports anew at each start, so leave 'port' out there, or give the vif that name by vifname="
        )
    }

    /// Each address, and who says so; the policy, where its word counts.
    private static func addresses(_ binding: Binding, _ statements: [GuestCard.Statement]) -> [Outcome.Address] {
        guard statements.isEmpty else { return statements.map { Outcome.Address(address: $0.text, source: $0.source) } }
        let texts = binding.addresses4.map(\.description) + binding.addresses6.map(\.description) + (binding.usesDHCP ? ["dhcp"] : [])
        return texts.map { Outcome.Address(address: $0, source: "the policy") }
    }

    /// As vif-bridge does; xl shows nothing of it, and `xenstore-ls` does.
    private func report(_ error: any Error, in store: XenStore) {
        let words = "\(error)".visibleLines.replacing("\n", with: " ").cut(to: 900)
        try? store.write(words, at: XenVIF.path(call, "hotplug-error"))
        try? store.write("error", at: XenVIF.path(call, "hotplug-status"))
    }

    private func environment(_ vif: XenVIF?, _ port: String) -> [String: String] {
        var environment = [
            "XENBUS_PATH": call.backend, "command": call.device == .vif ? call.action.rawValue : call.action == .online ? "add" : "remove",
            "type_if": call.device.rawValue, "dev": port, "vif": "vif\(call.domain).\(call.number)",
        ]
        if call.device == .tap { environment["INTERFACE"] = call.port }
        if let vif {
            (environment["bridge"], environment["ip"], environment["mac"], environment["vifname"]) = (vif.bridge, vif.ip, vif.mac, vif.vifname)
        }
        return environment
    }

    // MARK: The engine that holds guests to their bindings

    private func plug(_ vif: XenVIF, _ bridge: BridgePolicy, _ binding: Binding, _ engine: Engine) throws -> Hotplug.Plugged {
        let plug = Hotplug.Plug(call.port, renamedTo: vif.vifname == nil ? nil : vif.port, mtu: vif.mtu)
        switch engine {
        case .ebpf: return try Hotplug.plug(plug, into: bridge, binding, datapath: try datapath())
        case .classic:
            return try Hotplug.plug(plug, into: bridge) { port throws(EnforcementError) in
                try ClassicGuard.hold(port, of: bridge, binding)
            } letting: {
                try? ClassicGuard.release($0)
            }
        }
    }

    /// Asked where no programs are loaded: the two engines never are in force together, and to read a policy takes longer than
    /// all else.
    private var isClassic: Bool { engine() == .classic }

    private func unplug(_ name: String, _ datapath: Datapath?) throws {
        try Hotplug.unplug(name, datapath: datapath)
        if datapath == nil, isClassic { try ClassicGuard.release(name) }
    }

    // MARK: Offline

    /// Lets go of the card. Its device and its nodes in xenstore may be gone, it may be called twice, and whatever goes
    /// wrong is a warning: nobody could do better now, and the toolstack only logs it.
    public func offline() -> Outcome {
        var outcome = Outcome(action: "offline", port: call.port)
        let vif = attempt(&outcome) { () throws -> XenVIF? in
            // Gone with its domain is usual.
            let store = try self.store()
            guard try store.value(at: XenVIF.path(call, "frontend-id")) != nil else { return nil }
            return try XenVIF(call, in: store)
        }
        let datapath = attempt(&outcome) { () throws -> Datapath? in
            do { return try self.datapath() } catch { if isClassic { return nil } else { throw error } }
        }
        if let vif { (outcome.guest, outcome.bridge, outcome.mac) = (vif.guest, vif.bridge, vif.mac) }
        if let name = vif?.port, name != call.port, isThisCard(name, vif, datapath) {
            outcome.port = name
            attempt(&outcome) { () throws -> Void? in try unplug(name, datapath) }
        }
        attempt(&outcome) { () throws -> Void? in try unplug(call.port, datapath) }
        // Of a device that is gone nobody can say any more what it was called.
        if datapath == nil, isClassic { attempt(&outcome) { () throws -> Void? in try ClassicGuard.releaseDeparted() } }
        let port = outcome.port
        attempt(&outcome) { () throws -> Void? in try hooks.run(environment(vif, port)) }
        return outcome
    }

    @discardableResult
    private func attempt<T>(_ outcome: inout Outcome, _ body: () throws -> T?) -> T? {
        do { return try body() } catch {
            outcome.warnings.append("\(error)")
            return nil
        }
    }

    /// A name of the operator's choice may be another card's by now, or no guest's at all: the device itself tells, as far
    /// as it is netback's, and otherwise what is bound there.
    private func isThisCard(_ name: String, _ vif: XenVIF?, _ datapath: Datapath?) -> Bool {
        if let device = Self.xenDevice(of: name) { return device == "vif-\(call.domain)-\(call.number)" }
        guard let vif, let mac = MACAddress(vif.mac), let records = try? datapath?.ports(named: name) else { return false }
        return records.contains { $0.kind == .guest && [vif.guest, vif.uuid].contains($0.binding?.guest) && $0.binding?.macs.contains(mac) == true }
    }

    /// What the interface is on Xen's bus, such as "vif-7-0"; nil for one that isn't.
    private static func xenDevice(of name: String) -> String? {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else { return nil }
        var target = [CChar](repeating: 0, count: 256)
        let length = readlink("/sys/class/net/\(name)/device", &target, target.count - 1)
        guard length > 0 else { return nil }
        return String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: "/").last.map(String.init)
    }
}

extension XenHotplug.Outcome: CustomStringConvertible {
    /// One line for a log.
    public var description: String {
        var words = "\(port): \(action)"
        if let guest { words += ", guest \(guest)" }
        if let mac { words += " with \(mac)" }
        if let bridge { words += " on \(bridge)" }
        let sources = addresses.reduce(into: [String]()) { if !$0.contains($1.source) { $0.append($1.source) } }
        for source in sources {
            words += "; \(addresses.filter { $0.source == source }.map(\.address).joined(separator: ", ")) by \(source)"
        }
        return words
    }
}

extension XenIPv6Comment {
    /// No comment.
    init() { (statements, notes) = ([], []) }
}
