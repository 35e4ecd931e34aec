import Glibc
import Reporting

/// What Xen's toolstack asks of a hot-plug script: arguments and environment, none of it believed before it is read
/// (tools/libs/light/libxl_linux.c, libxl__get_hotplug_script_info).
public struct XenHotplugCall: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable {
        case online, offline
    }

    /// Which of a card's two ports: netback's, or the tap of the emulated twin that an HVM guest has until its own drivers run.
    public enum Device: String, Sendable, Hashable {
        case vif, tap
    }

    public var action: Action
    public var device: Device
    /// The domain that the backend serves: a guest, or its stub domain.
    public var domain: UInt32
    /// The card's number in that domain.
    public var number: UInt32
    /// The card's backend folder in xenstore, as the toolstack gave it.
    public var backend: String

    /// The interface as it is made: "vif7.0", "vif7.0-emu".
    public var port: String { "vif\(domain).\(number)" + (device == .tap ? "-emu" : "") }

    /// DOMID_FIRST_RESERVED (xen/include/public/xen.h).
    private static let domains: Range<UInt32> = 1..<0x7ff0
    /// As many as an interface's name of 15 bytes has room for.
    private static let cards: Range<UInt32> = 0..<1000

    /// - Parameters:
    ///   - arguments: such as `online`, `type_if=vif`.
    ///   - environment: of which XENBUS_PATH, `vif` and INTERFACE are read.
    /// - Returns: nil where nothing is to be done: vifs go online and offline, taps are added and removed, and the other two
    ///   combinations mean nothing.
    /// - Throws: `CardError` that names what is missing or contradicts itself.
    public static func read(_ arguments: [String], _ environment: [String: String]) throws(CardError) -> XenHotplugCall? {
        guard let verb = arguments.first else { throw CardError("no action: Xen calls with online, offline, add or remove") }
        var device = Device.vif
        for argument in arguments.dropFirst() {
            guard argument.hasPrefix("type_if=") else { continue }
            guard let named = Device(rawValue: String(argument.dropFirst("type_if=".count))) else {
                throw CardError("\(argument.visible): this script knows type_if=vif and type_if=tap")
            }
            device = named
        }
        switch (verb, device) {
        case ("online", .vif): return try XenHotplugCall(.online, .vif, environment)
        case ("offline", .vif): return try XenHotplugCall(.offline, .vif, environment)
        case ("add", .tap): return try XenHotplugCall(.online, .tap, environment)
        case ("remove", .tap): return try XenHotplugCall(.offline, .tap, environment)
        case ("online", .tap), ("offline", .tap), ("add", .vif), ("remove", .vif): return nil
        default: throw CardError("\(verb.visible): Xen calls with online, offline, add or remove")
        }
    }

    private init(_ action: Action, _ device: Device, _ environment: [String: String]) throws(CardError) {
        let path = environment["XENBUS_PATH"]
        let name = environment[device == .vif ? "vif" : "INTERFACE"]
        let byPath = try path.map { path throws(CardError) in
            guard let numbers = Self.numbers(inPath: path) else {
                throw CardError("XENBUS_PATH is \(path.cut(to: 80).visible), not such as backend/vif/7/0")
            }
            return numbers
        }
        let byName = try name.map { name throws(CardError) in
            guard let numbers = Self.numbers(inName: name, device) else {
                throw CardError("the interface is \(name.cut(to: 80).visible), not such as vif7.0\(device == .tap ? "-emu" : "")")
            }
            return numbers
        }
        guard let numbers = device == .vif ? byPath : byName ?? byPath else {
            throw CardError("\(device == .vif ? "XENBUS_PATH" : "INTERFACE") isn't set: Xen's toolstack runs this, nobody else")
        }
        if let byPath, let byName, byPath != byName {
            throw CardError("XENBUS_PATH is \(path ?? ""), but the interface \(name ?? ""): they are of two cards")
        }
        self.action = action
        self.device = device
        (domain, number) = numbers
        backend = path ?? "backend/vif/\(numbers.0)/\(numbers.1)"
    }

    /// `backend/vif/7/0`, or the same below `/local/domain/0/`.
    private static func numbers(inPath path: String) -> (UInt32, UInt32)? {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 8, parts[0].isEmpty, parts[1] == "local", parts[2] == "domain", number(parts[3], in: 0..<0x7ff0) != nil {
            parts.removeFirst(4)
        }
        guard parts.count == 4, parts[0] == "backend", parts[1] == "vif", let domain = number(parts[2], in: domains),
            let card = number(parts[3], in: cards)
        else { return nil }
        return (domain, card)
    }

    private static func numbers(inName name: String, _ device: Device) -> (UInt32, UInt32)? {
        var rest = name[...]
        if device == .tap {
            guard rest.hasSuffix("-emu") else { return nil }
            rest = rest.dropLast("-emu".count)
        }
        let parts = rest.dropFirst("vif".count).split(separator: ".", omittingEmptySubsequences: false)
        guard rest.hasPrefix("vif"), parts.count == 2, let domain = number(parts[0], in: domains), let card = number(parts[1], in: cards)
        else { return nil }
        return (domain, card)
    }

    /// Digits alone, as numbers are written: no sign, no zero in front.
    static func number(_ text: some StringProtocol, in range: Range<UInt32>) -> UInt32? {
        guard let number = UInt32(text), "\(number)" == text, range.contains(number) else { return nil }
        return number
    }
}
