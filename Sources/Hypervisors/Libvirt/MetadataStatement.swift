import Addresses
import Reporting

/// What our own element in a domain's `<metadata>` says of its cards, so that addresses can be stated where no `<filterref>` is
/// wanted. libvirt keeps it as it is:
///
///     <metadata>
///       <vifguard:guest xmlns:vifguard="urn:vifguard:1">
///         <vifguard:interface mac="52:54:00:12:34:56">
///           <vifguard:address>192.0.2.7</vifguard:address>
///         </vifguard:interface>
///       </vifguard:guest>
///     </metadata>
///
/// It counts whole for a card that it names: what the card's `<filterref>` says doesn't then. Anything in it that isn't
/// understood is an error: a slip of the pen must not change what a guest may do.
enum MetadataStatement {
    static let namespace = "urn:vifguard:1"
    private static let family = "urn:vifguard:"

    static func all(in domain: Markup) throws(CardError) -> [MACAddress: [GuestCard.Statement]] {
        guard let metadata = try domain.only("metadata") else { return [:] }
        var guests: [Markup] = []
        for element in metadata.children {
            guard let namespace = element.namespace(within: [domain, metadata]), namespace.hasPrefix(family) else { continue }
            guard namespace == Self.namespace, element.localName == "guest" else {
                throw fault("<\(element.name.visible)> of \(namespace.visible) isn't known: write <guest> of \(Self.namespace)")
            }
            guests.append(element)
        }
        guard guests.count < 2 else { throw fault("there are \(guests.count) <guest>: one is meant") }
        var statements: [MACAddress: [GuestCard.Statement]] = [:]
        for interface in guests.first?.children ?? [] {
            let (mac, addresses) = try statement(of: interface)
            guard statements.updateValue(addresses, forKey: mac) == nil else { throw fault("\(mac) is there twice") }
        }
        return statements
    }

    private static func statement(of interface: Markup) throws(CardError) -> (MACAddress, [GuestCard.Statement]) {
        guard interface.localName == "interface" else {
            throw fault("<\(interface.name.visible)> isn't known: write <interface mac=\"…\">")
        }
        if let other = interface.attributes.keys.sorted().first(where: { $0 != "mac" && !$0.hasPrefix("xmlns") }) {
            throw fault("<interface> has no attribute \(other.visible): it has mac")
        }
        guard let mac = interface.attributes["mac"].flatMap(MACAddress.init) else {
            throw fault("<interface> names no MAC: write mac=\"52:54:00:12:34:56\"")
        }
        if let other = interface.children.first(where: { $0.localName != "address" || !$0.children.isEmpty }) {
            throw fault("<\(other.name.visible)> isn't known here: write <address>192.0.2.7</address>")
        }
        guard !interface.children.isEmpty else { throw fault("<interface> \(mac) has no <address>") }
        return (mac, interface.children.map { GuestCard.Statement($0.trimmed, source: "<guest> of its <metadata>") })
    }

    private static func fault(_ reason: String) -> CardError { CardError("its <metadata> for Vifguard can't be read: \(reason)") }
}
