import Addresses
import DatapathProgram
import Policy

// guard.h's structs to and from the types of the core.

extension MACAddress {
    /// Six bytes as they travel, then two zero bytes (`guard_port.mac`).
    var word: UInt64 { (rawValue << 16).bigEndian }
    init(word: UInt64) { self.init(rawValue: UInt64(bigEndian: word) >> 16) }
}

extension IPv6Address {
    /// The 16 bytes as they travel, in two words.
    var words: (UInt64, UInt64) { (high.bigEndian, low.bigEndian) }
    init(words: (UInt64, UInt64)) { self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1)) }

    /// A C array of 16 bytes as they travel.
    fileprivate init<Field>(field: Field) {
        self = withUnsafeBytes(of: field) { field in
            IPv6Address(words: (field.loadUnaligned(as: UInt64.self), field.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}

extension guard_address4 {
    init(scope: UInt32, _ address: IPv4Address) { self.init(scope: scope, address: address.rawValue.bigEndian) }
    var value: IPv4Address { IPv4Address(rawValue: UInt32(bigEndian: address)) }
}

extension guard_address6 {
    init(scope: UInt32, _ address: IPv6Address) {
        self.init()
        self.scope = scope
        BindingImage.fill(&self.address, address.bytes)
    }
    var value: IPv6Address { IPv6Address(field: address) }
}

extension guard_prefix4 {
    init(scope: UInt32, _ prefix: IPv4Prefix) {
        self.init(length: 32 + UInt32(prefix.length), scope: scope, address: prefix.address.rawValue.bigEndian)
    }
    var value: IPv4Prefix {
        IPv4Prefix(masking: IPv4Address(rawValue: UInt32(bigEndian: address)), length: Int(min(max(length, 32), 64)) - 32)!
    }
}

extension guard_prefix6 {
    init(scope: UInt32, _ prefix: IPv6Prefix) {
        self.init()
        length = 32 + UInt32(prefix.length)
        self.scope = scope
        BindingImage.fill(&address, prefix.address.bytes)
    }
    var value: IPv6Prefix {
        IPv6Prefix(masking: IPv6Address(field: address), length: Int(min(max(length, 32), 160)) - 32)!
    }
}

extension guard_owner_mac {
    init(bridge: UInt32, _ mac: MACAddress) {
        self.init()
        self.bridge = bridge
        BindingImage.fill(&self.mac, mac.bytes)
    }
    var value: MACAddress { MACAddress(bytes: BindingImage.read(mac, 6, as: UInt8.self))! }
}

extension IPAddress {
    /// 4 or 6.
    var family: UInt8 {
        switch self {
        case .v4: 4
        case .v6: 6
        }
    }

    /// Of a C array of 16 bytes, as it travels; nil for another family.
    init?<Field>(family: UInt8, _ field: Field) {
        switch family {
        case 4: self.init(bytes: BindingImage.read(field, 4, as: UInt8.self))
        case 6: self.init(bytes: BindingImage.read(field, 16, as: UInt8.self))
        default: return nil
        }
    }
}

extension guard_virtual_router {
    init(_ router: VirtualRouter) {
        self.init()
        mac = router.mac.word
        family = router.address.family
        BindingImage.fill(&address, router.address.bytes)
    }
}

extension VirtualRouter {
    /// nil for an unused place.
    init?(_ router: guard_virtual_router) {
        guard let address = IPAddress(family: router.family, router.address) else { return nil }
        self.init(mac: MACAddress(word: router.mac), address: address)
    }
}

extension guard_label {
    mutating func setPort(_ port: Port) {
        BindingImage.fill(&self.port, Array(port.name.utf8.prefix(15)))
        BindingImage.fill(&bridge, Array(port.bridgeName.utf8.prefix(15)))
    }

    var portName: String { Self.text(port) }
    var bridgeName: String { Self.text(bridge) }
    var guestName: String { Self.text(guest) }

    private static func text<Bytes>(_ bytes: Bytes) -> String {
        withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
