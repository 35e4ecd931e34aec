import Addresses
import Policy

/// A whole policy as it was written, every value with its place, before the checks over all of it.
struct PolicyDraft {
    var bridges: [BridgeDraft] = []
    /// Whether some file has the key `bridges`, and all names below it could be read.
    var knowsBridges = false
    var interfaces: [InterfaceDraft] = []
    /// Names of guests, and where each is written.
    var guests: [Located<String>] = []
    /// nil: none is named.
    var engine: Located<Engine>?
    var stampBit = HostConfiguration.defaultStampBit
    var maximumPorts = HostConfiguration.defaultMaximumPorts
    var defaults = Settings()
}

struct BridgeDraft {
    var name: Located<String>
    var uplinks: [Located<String>] = []
    var gateways: [Located<IPAddress>] = []
    var gatewayMACs: [Located<MACAddress>] = []
    var subnets: [Located<IPv4Prefix>] = []
    var reserved: [Located<IPPrefix>] = []
    var reservedMACs: [Located<MACAddress>] = []
    var uplinkMode = Mode.audit
    var isolatesGuests = false

    var policy: BridgePolicy {
        var macs: [MACAddress] = []
        // One router often has a gateway address of each family.
        for mac in gatewayMACs where !macs.contains(mac.value) { macs.append(mac.value) }
        return BridgePolicy(
            name: name.value, uplinks: uplinks.map(\.value), gateways: gateways.map(\.value), gatewayMACs: macs,
            subnets: subnets.map(\.value), reserved: reserved.map(\.value), reservedMACs: reservedMACs.map(\.value),
            uplinkMode: uplinkMode, isolatesGuests: isolatesGuests)
    }
}

/// What can be said of an interface, of all interfaces of a guest, and partly of all guests; nil: not said here.
struct Settings {
    var addresses: [Located<IPPrefix>]?
    var usesDHCP: Bool?
    var linkLocalMode: LinkLocalMode?
    var linkLocals: [Located<IPv6Address>]?
    var roles: Roles?
    var vlans: [UInt16]?
    var virtualRouters: [VirtualRouterDraft]?
    var etherTypes: [UInt16]?
    var quiet: Bool?
    var mode: Mode?
    var limits = LimitSettings()
    var isMigrating: Bool?
    /// An address, role or the like could not be read: what is missing may be what was written wrong.
    var isFaulty = false

    /// As the defaults of guests that no file names.
    var asDefaults: GuestDefaults {
        GuestDefaults(linkLocalMode: linkLocalMode ?? .claim, quiet: quiet ?? true, mode: mode ?? .enforce, limits: limits.limits)
    }

    /// These, with what they leave unsaid taken from `others`.
    func over(_ others: Settings) -> Settings {
        var merged = self
        if addresses == nil { (merged.addresses, merged.usesDHCP) = (others.addresses, others.usesDHCP) }
        merged.linkLocalMode = linkLocalMode ?? others.linkLocalMode
        merged.linkLocals = linkLocals ?? others.linkLocals
        merged.roles = roles ?? others.roles
        merged.vlans = vlans ?? others.vlans
        merged.virtualRouters = virtualRouters ?? others.virtualRouters
        merged.etherTypes = etherTypes ?? others.etherTypes
        merged.quiet = quiet ?? others.quiet
        merged.mode = mode ?? others.mode
        merged.limits = limits.over(others.limits)
        merged.isMigrating = isMigrating ?? others.isMigrating
        merged.isFaulty = isFaulty || others.isFaulty
        return merged
    }
}

struct LimitSettings {
    var broadcastRate: UInt32?
    var broadcastBurst: UInt32?
    var neighborRate: UInt32?
    var neighborBurst: UInt32?

    func over(_ others: LimitSettings) -> LimitSettings {
        LimitSettings(
            broadcastRate: broadcastRate ?? others.broadcastRate, broadcastBurst: broadcastBurst ?? others.broadcastBurst,
            neighborRate: neighborRate ?? others.neighborRate, neighborBurst: neighborBurst ?? others.neighborBurst)
    }

    var limits: Limits {
        Limits(
            broadcastRate: broadcastRate ?? Limits.default.broadcastRate, broadcastBurst: broadcastBurst ?? Limits.default.broadcastBurst,
            neighborRate: neighborRate ?? Limits.default.neighborRate, neighborBurst: neighborBurst ?? Limits.default.neighborBurst)
    }
}

struct VirtualRouterDraft {
    var mac: Located<MACAddress>
    var address: Located<IPAddress>
}

struct InterfaceDraft {
    var guest: String
    /// Where the interface begins.
    var location: SourceLocation
    var port: Located<String>?
    var bridge: Located<String>
    var macs: [Located<MACAddress>]
    var settings: Settings

    var policy: GuestInterface {
        var binding = Binding(guest: guest, macs: macs.map(\.value))
        for address in settings.addresses ?? [] {
            switch address.value {
            case .v4(let prefix): binding.addresses4.append(prefix)
            case .v6(let prefix): binding.addresses6.append(prefix)
            }
        }
        binding.usesDHCP = settings.usesDHCP ?? false
        binding.linkLocals = settings.linkLocals?.map(\.value) ?? []
        binding.linkLocalMode = settings.linkLocalMode ?? .claim
        binding.roles = settings.roles ?? []
        binding.vlans = settings.vlans ?? []
        binding.virtualRouters = settings.virtualRouters?.map { VirtualRouter(mac: $0.mac.value, address: $0.address.value) } ?? []
        binding.etherTypes = settings.etherTypes ?? []
        binding.quiet = settings.quiet ?? true
        binding.mode = settings.mode ?? .enforce
        binding.limits = settings.limits.limits
        binding.isMigrating = settings.isMigrating ?? false
        return GuestInterface(port: port?.value, bridge: bridge.value, binding: binding)
    }
}
