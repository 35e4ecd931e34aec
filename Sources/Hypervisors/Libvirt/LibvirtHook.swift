import Addresses
import Datapath
import Enforcement
import Glibc
import Netlink
import Policy
import PolicyText
import Reporting

/// What libvirt's qemu driver calls when a guest comes or goes (https://libvirt.org/hooks.html).
///
/// A guest's taps are in their bridges, up, when `start` is called, and QEMU hasn't been run yet: that is where they are bound.
/// Before, nothing passes them, as they are unknown ports of a guarded bridge. Cards on bridges that aren't guarded, and those
/// that aren't on a bridge, are none of our business.
public struct LibvirtHook {
    /// libvirt's own words.
    public enum Operation: String, Sendable, CaseIterable {
        /// No tap yet: is there anything for which it couldn't be bound? Refuses the start if so.
        case prepare
        /// Binds the taps, or refuses the start.
        case start
        /// Binds what isn't bound.
        case started
        /// The daemon was started again, and finds the guest running: binds what isn't bound.
        case reconnect
        /// Takes the bindings away.
        case stopped
        /// The same again; the taps are gone.
        case release
    }

    private let policy: Result<HostConfiguration, ConfigurationErrors>
    /// Known even if the policy has errors.
    private let engine: Engine
    private let datapath: Result<Datapath?, DatapathError>

    /// - Parameters:
    ///   - policyPath: a file or a folder.
    ///   - pins: where programs and maps are pinned, if any are.
    public init(policyPath: String, pins: PinFolder) {
        let policy = Result { () throws(ConfigurationErrors) in try PolicyFiles.load(policyPath) }
        self.policy = policy
        engine = (try? policy.get())?.engine ?? PolicyFiles.engine(policyPath)
        datapath = Result { () throws(DatapathError) in
            do throws(DatapathError) { return try Datapath.open(pins: pins) } catch .notLoaded { return nil }
        }
    }

    /// - Parameters:
    ///   - guest: the name that libvirt calls it by, which its XML must have, too.
    ///   - xml: the domain, as libvirt writes it to the hook.
    /// - Throws: `CardError` with all that is wrong. Whatever isn't, is done.
    public func run(_ operation: Operation, guest: String, xml: [UInt8]) throws(CardError) {
        let domain: LibvirtDomain
        do throws(CardError) {
            domain = try LibvirtDomain(xml)
        } catch {
            throw CardError("guest \(guest.visible): \(error)")
        }
        guard domain.name == guest else {
            throw CardError("guest \(guest.visible): the XML is of another guest, \(domain.name.visible): call it as libvirt does")
        }
        if operation == .stopped || operation == .release { return try unbind(domain) }
        var problems: [String] = []
        for interface in domain.interfaces {
            do throws(CardError) {
                switch operation {
                case .prepare: try check(interface, of: domain)
                case .start: try bind(interface, of: domain)
                // A guest that is moving in may be known as that by now, and the agent has said so.
                case .started, .reconnect: try bind(interface, of: domain, unlessBound: true)
                case .stopped, .release: break
                }
            } catch {
                problems.append("guest \(guest.visible), card \(interface.mac.visible): \(error)")
            }
        }
        guard problems.isEmpty else { throw CardError(problems.joined(separator: "\n")) }
    }

    /// A domain as libvirt writes it to a hook's standard input.
    public static func read(_ descriptor: Int32) throws(CardError) -> [UInt8] { try DomainFile.read(descriptor) }

    // MARK: Coming

    private func check(_ interface: LibvirtDomain.Interface, of domain: LibvirtDomain) throws(CardError) {
        guard let bridge = guardedBridge(of: interface) else { return }
        // libvirt names the tap later.
        _ = try domain.card(of: interface, on: bridge, port: interface.target ?? "vnet0").interface(under: configuration())
        if isClassic { return }
        guard try loaded() != nil, kernelGuards(bridge) == true else {
            throw CardError("bridge \(bridge.visible) isn't guarded yet: 'systemctl start vifguard', or 'vifguard apply'")
        }
    }

    private func bind(_ interface: LibvirtDomain.Interface, of domain: LibvirtDomain, unlessBound: Bool = false) throws(CardError) {
        guard let bridge = guardedBridge(of: interface) else { return }
        guard let port = interface.target else { throw CardError("its <interface> names no <target dev>: nothing says which port is its own") }
        let resolution = try domain.card(of: interface, on: bridge, port: port).interface(under: configuration())
        if isClassic {
            return try CardError.wrap { () throws(EnforcementError) in
                try ClassicGuard.hold(port, of: resolution.bridge, resolution.interface.binding)
            }
        }
        guard let datapath = try loaded() else { throw CardError("nothing is guarded yet: 'systemctl start vifguard', or 'vifguard apply'") }
        if unlessBound, isBound(port, datapath) { return }
        try CardError.wrap { () throws(EnforcementError) in
            let report = try Hotplug.attach(port, to: resolution.bridge, resolution.interface.binding, datapath: datapath)
            if let failure = (report.failures + report.departed).first { throw .refused(failure.description) }
        }
    }

    /// Where that can't be told, binding it says why.
    private func isBound(_ port: String, _ datapath: Datapath) -> Bool {
        guard let link = try? Link.named(port) else { return false }
        return (try? datapath.port(link.index, withTraffic: false))?.binding != nil
    }

    // MARK: Going

    /// The taps are gone, and the XML doesn't name them any more: the kernel's records say which they were. A port that a policy
    /// has bound to a guest of that name is this one's only with a card of its.
    private func unbind(_ domain: LibvirtDomain) throws(CardError) {
        if isClassic { return try CardError.wrap { () throws(EnforcementError) in try ClassicGuard.releaseDeparted() } }
        guard let datapath = try loaded() else { return }
        let macs = Set(domain.interfaces.compactMap { MACAddress($0.mac) })
        var problems: [String] = []
        for name in Set([domain.name, domain.uuid].compactMap(\.self)) {
            do throws(EnforcementError) {
                for port in try Self.ports(of: name, datapath) {
                    guard let binding = port.binding, binding.origin == .libvirt || !macs.isDisjoint(with: binding.macs) else { continue }
                    problems += Self.detach(port.port.name, of: name, datapath)
                }
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else { throw CardError("guest \(domain.name.visible): \(problems.joined(separator: "\n"))") }
    }

    /// - Returns: why it isn't let go of.
    private static func detach(_ port: String, of guest: String, _ datapath: Datapath) -> [String] {
        do throws(EnforcementError) {
            return try Hotplug.detach(port, of: guest, datapath: datapath).failures.map(\.description)
        } catch {
            return ["\(port): \(error)"]
        }
    }

    private static func ports(of guest: String, _ datapath: Datapath) throws(EnforcementError) -> [PortStatus] {
        do throws(DatapathError) { return try datapath.ports(of: guest) } catch { throw .datapath(error) }
    }

    // MARK: What is guarded

    /// The bridge it is on, if that is one that we guard: by the policy or, where that can't be read, as the kernel has it.
    /// Where neither can be asked any may be.
    private func guardedBridge(of interface: LibvirtDomain.Interface) -> String? {
        guard case .bridge(let bridge) = interface.source else { return nil }
        let isNamed = (try? policy.get()).map { $0.policy.bridges.contains { $0.name == bridge } }
        let isGuarded = kernelGuards(bridge)
        return isNamed == true || isGuarded == true || isNamed == nil && isGuarded == nil ? bridge : nil
    }

    /// nil if that can't be told.
    private func kernelGuards(_ bridge: String) -> Bool? {
        guard case .success(let datapath) = datapath else { return nil }
        // Of the classic engine the kernel says nothing by bridge.
        guard let datapath else { return isClassic ? nil : false }
        let link: Link
        do throws(NetlinkError) { link = try Link.named(bridge) } catch { return error.errno == ENODEV ? false : nil }
        do throws(DatapathError) { return try datapath.port(link.index, withTraffic: false)?.kind == .bridge } catch { return nil }
    }

    private var isClassic: Bool { engine == .classic }

    private func configuration() throws(CardError) -> HostConfiguration {
        do throws(ConfigurationErrors) {
            return try policy.get()
        } catch {
            throw CardError("the policy can't be read: correct what 'vifguard check' says of it\n\(error.errors.first?.description ?? "")")
        }
    }

    private func loaded() throws(CardError) -> Datapath? {
        do throws(DatapathError) { return try datapath.get() } catch { throw CardError("\(error)") }
    }
}

extension LibvirtDomain {
    /// The card that an interface of its is.
    ///
    /// - Throws: `CardError` if its XML contradicts itself.
    func card(of interface: Interface, on bridge: String, port: String) throws(CardError) -> GuestCard {
        if let fault = interface.fault { throw CardError(fault) }
        return GuestCard(
            guest: name, uuid: uuid, port: port, bridge: bridge, mac: interface.mac, addresses: interface.addresses, origin: .libvirt)
    }
}

extension CardError {
    fileprivate static func wrap(_ body: () throws(EnforcementError) -> Void) throws(CardError) {
        do throws(EnforcementError) { try body() } catch { throw CardError("\(error)") }
    }
}
