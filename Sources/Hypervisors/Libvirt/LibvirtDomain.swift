import Addresses
import Reporting

/// What libvirt's XML says of a guest (https://libvirt.org/formatdomain.html), as far as its network cards go. Text, and
/// none of it believed yet: `GuestCard` is resolved against the policy.
public struct LibvirtDomain: Sendable, Hashable {
    public var name: String
    public var uuid: String?
    public var interfaces: [Interface]
    /// It waits for a guest that is on its way from another host, or has left for one: of a file of libvirt's state alone.
    public var isMigrating = false

    /// One `<interface>`.
    public struct Interface: Sendable, Hashable {
        /// What its tap is connected to.
        public enum Source: Sendable, Hashable {
            case bridge(String)
            /// A network of libvirt's whose bridge isn't known yet.
            case network(String)
            /// Something else than a port of a bridge, by libvirt's word for it: `direct`, `hostdev`, `user`…
            case other(String)
        }

        public var source: Source
        /// As written; empty if nothing is.
        public var mac: String
        /// The tap's name; nil as long as there is none.
        public var target: String?
        /// What the guest may use with it.
        public var addresses: [GuestCard.Statement]
        /// Why what it says isn't taken.
        public var fault: String?
    }

    /// - Parameter bytes: a `<domain>`, as hooks get it and files of definitions hold it, or a `<domstatus>`, libvirt's file of
    ///   a running guest.
    /// - Throws: `CardError` saying what is wrong, and in which line where it isn't XML at all.
    public init(_ bytes: [UInt8]) throws(CardError) {
        let root: Markup
        do throws(MarkupError) {
            root = try MarkupReader.read(bytes)
        } catch {
            throw CardError("its XML can't be read: \(error)")
        }
        switch root.name {
        case "domain": try self.init(root)
        case "domstatus":
            guard let domain = try root.only("domain") else { throw CardError("<domstatus> has no <domain>") }
            try self.init(domain)
            // virDomainPausedReason's words, on either side of a migration (src/conf/domain_conf.c).
            let reasons = ["migration", "post-copy", "post-copy failed"]
            isMigrating = root.attributes["state"] == "paused" && root.attributes["reason"].map(reasons.contains) == true
        default: throw CardError("<\(root.name.visible)> is no domain of libvirt's")
        }
    }

    private init(_ domain: Markup) throws(CardError) {
        name = try domain.only("name")?.trimmed ?? ""
        guard !name.isEmpty else { throw CardError("the domain has no <name>") }
        uuid = try domain.only("uuid")?.trimmed
        interfaces = []
        let stated = try MetadataStatement.all(in: domain)
        for element in try domain.only("devices")?.all("interface") ?? [] { interfaces.append(try Interface(element, stated)) }
    }
}

extension LibvirtDomain.Interface {
    fileprivate init(_ element: Markup, _ stated: [MACAddress: [GuestCard.Statement]]) throws(CardError) {
        mac = try element.only("mac")?.attributes["address"] ?? ""
        target = try element.only("target")?.attributes["dev"]
        source = try Self.source(of: element)
        addresses = []
        let filter = FilterParameters(try element.only("filterref"))
        if let own = MACAddress(mac), let statement = stated[own] {
            addresses = statement
        } else {
            addresses = filter.addresses
        }
        fault = filter.contradiction(to: mac)
    }

    /// A file of a running guest has `<actual>` in an interface of type network, and there what hooks get in the interface
    /// itself (virDomainActualNetDefFormat in libvirt's src/conf/domain_conf.c).
    private static func source(of element: Markup) throws(CardError) -> Source {
        let actual = try element.only("actual")
        let type = (actual ?? element).attributes["type"] ?? ""
        let source = try element.only("source")
        guard type == "bridge" || type == "network" else { return .other(type) }
        if let bridge = try actual?.only("source")?.attributes["bridge"] ?? source?.attributes["bridge"] { return .bridge(bridge) }
        return .network(source?.attributes["network"] ?? "")
    }
}

/// `<parameter>`s of a `<filterref>` (https://libvirt.org/formatnwfilter.html).
private struct FilterParameters {
    var addresses: [GuestCard.Statement] = []
    private var macs: [String] = []

    init(_ reference: Markup?) {
        for parameter in reference?.all("parameter") ?? [] {
            guard let name = parameter.attributes["name"], let value = parameter.attributes["value"] else { continue }
            switch name {
            case "IP", "IPV6": addresses.append(GuestCard.Statement(value, source: "parameter \(name) of its <filterref>"))
            // What the first frame shows ("any") is no statement: it would be the guest's own.
            case "CTRL_IP_LEARNING" where value == "dhcp":
                addresses.append(GuestCard.Statement("dhcp", source: "parameter CTRL_IP_LEARNING of its <filterref>"))
            case "MAC": macs.append(value)
            default: break
            }
        }
    }

    func contradiction(to mac: String) -> String? {
        guard let other = macs.first(where: { MACAddress($0) == nil || MACAddress($0) != MACAddress(mac) }) else { return nil }
        return "parameter MAC of its <filterref> is \(other.visible), but its <mac> is \(mac.visible): take the parameter out, or correct it"
    }
}

extension Markup {
    /// The child of that name.
    ///
    /// - Throws: `CardError` if there are several: which of them counts, two readers could read differently.
    func only(_ name: String) throws(CardError) -> Markup? {
        let found = all(name)
        guard found.count < 2 else { throw CardError("<\(self.name.visible)> has \(found.count) <\(name)>: one is meant") }
        return found.first
    }
}
