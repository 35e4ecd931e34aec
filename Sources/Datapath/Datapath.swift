import CBPF
import DatapathProgram
import Glibc
import Netlink
import Policy
import Synchronization

/// The kernel's side of the guard: programs and maps, loaded and pinned, which go on judging when this process ends.
///
/// The kernel is the state, and this is one of its clients: any number of processes may have it open. Every change is
/// made under the pin folder's lock, one process and thread at a time. All functions act on the network namespace of the
/// thread that calls them, which must be the one the pins belong to.
public final class Datapath: Sendable {
    /// The mark's bit unless another is asked for (policy.md, section 1).
    public static let defaultStampBit = 30
    /// The room that maps are made with unless another is asked for.
    public static let defaultPorts = 4096
    /// What can be asked for: one full bridge of Linux to sixteen.
    public static let portBounds = 1024...Int(GUARD_MAX_PORTS)

    public let pins: PinFolder
    let ledger: Ledger
    let maps: GuardMaps
    let records: RecordTable
    let attacher: Attacher
    /// Given to `replace`'s closure: the lock is held, and nothing is attached.
    let isFilling: Bool
    private let programs: Mutex<(generation: UInt64, set: ProgramSet)?>

    init(pins: PinFolder, ledger: Ledger, maps: GuardMaps, isFilling: Bool = false) throws(DatapathError) {
        self.isFilling = isFilling
        self.pins = pins
        self.ledger = ledger
        self.maps = maps
        records = try RecordTable(maps, ledger)
        attacher = Attacher(pins: pins)
        programs = Mutex(nil)
    }

    /// Opens what is loaded, and loads it where nothing is. Programs of another build, or with another stamp bit, are
    /// upgraded in place: maps, links, bindings and counters stay, and no port is unguarded for a moment.
    ///
    /// With another stamp bit, frames in flight while the programs are exchanged are dropped as `unjudged`.
    ///
    /// - Parameters:
    ///   - pins: a folder in a bpffs; it is made, and the usual bpffs mounted, where need be.
    ///   - stampBit: 16...31.
    ///   - ports: how many ports and bridges maps are made for where nothing is loaded (`portBounds`); those that are there
    ///     keep their size (`maximumPorts`).
    /// - Throws: `DatapathError.layout` if the maps are of a version with another layout: `replace` moves to new ones.
    public static func load(
        pins: PinFolder = PinFolder(), stampBit: Int = defaultStampBit, ports: Int = defaultPorts, object: DatapathObject = .embedded
    ) throws(DatapathError) -> Datapath {
        let stamp = try stamp(ofBit: stampBit)
        try check(ports: ports)
        let bytes = try object.bytes()
        try pins.prepare()
        return try pins.exclusively { () throws(DatapathError) in
            try recover(pins)
            guard let datapath = try opened(pins) else { return try loaded(pins, .current, bytes, stamp, ports) }
            if datapath.ledger.digest != DatapathObject.digest(of: bytes) || datapath.ledger.stamp != stamp {
                try datapath.exchangePrograms(bytes, stamp)
            }
            return datapath
        }
    }

    /// Opens what is loaded, as it is.
    ///
    /// - Throws: `DatapathError.notLoaded` if nothing is.
    public static func open(pins: PinFolder = PinFolder()) throws(DatapathError) -> Datapath {
        try pins.exclusively { () throws(DatapathError) in
            try recover(pins)
            guard let datapath = try opened(pins) else { throw .notLoaded(path: pins.path) }
            return datapath
        }
    }

    /// The bit of the packet mark that says a frame was judged.
    public var stampBit: Int { ledger.stamp.trailingZeroBitCount }

    /// How many ports and bridges the maps in force have room for; one of the places is nobody's.
    public var maximumPorts: Int { ledger.capacity }

    static func stamp(ofBit bit: Int) throws(DatapathError) -> UInt32 {
        guard (16...31).contains(bit) else {
            throw .object(
                reason: "the stamp can't be bit \(bit) of the mark: give one of 16 to 31 (the low ones share memory with the kernel's own use)")
        }
        return 1 << UInt32(bit)
    }

    static func check(ports: Int) throws(DatapathError) {
        guard portBounds.contains(ports) else {
            throw .object(reason: "its maps can't be made for \(ports) ports: give \(portBounds.lowerBound) to \(portBounds.upperBound)")
        }
    }

    // MARK: Opening and loading, under the lock

    static func opened(_ pins: PinFolder) throws(DatapathError) -> Datapath? {
        guard let ledger = try Ledger.pinned(pins, .current) else { return nil }
        guard ledger.layout == UInt32(GUARD_LAYOUT) else {
            throw .layout(path: pins.path, found: ledger.layout, known: UInt32(GUARD_LAYOUT))
        }
        let cookie = cbpf_network_cookie()
        guard cookie == ledger.networkCookie || cookie == 0 || ledger.networkCookie == 0 else { throw .otherNetwork(path: pins.path) }
        return try Datapath(pins: pins, ledger: ledger, maps: GuardMaps.pinned(pins, .current))
    }

    /// Loads the object on new maps and pins all of it, the ledger last: a folder without one is an attempt cut short.
    static func loaded(_ pins: PinFolder, _ generation: PinFolder.Generation, _ bytes: [UInt8], _ stamp: UInt32, _ ports: Int)
        throws(DatapathError) -> Datapath
    {
        try pins.remove(generation)
        try pins.makeFolders(generation)
        let loader = try ObjectLoader(bytes, stamp: stamp, maps: .new(ports: ports))
        let maps = try GuardMaps { name throws(DatapathError) in try loader.map(name) }
        for (name, descriptor) in maps.descriptors { try descriptor.pin(at: pins.map(name, generation)) }
        try ProgramSet { direction throws(DatapathError) in try loader.program(direction) }.pin(pins, generation)
        let ledger = try Ledger.make(capacity: ports)
        ledger.digest = DatapathObject.digest(of: bytes)
        ledger.stamp = stamp
        try ledger.descriptor.pin(at: pins.ledger(generation))
        return try Datapath(pins: pins, ledger: ledger, maps: maps)
    }

    /// Runs `body` under the lock, on maps that are still those in force.
    func exclusively<T>(_ body: () throws(DatapathError) -> T) throws(DatapathError) -> T {
        if isFilling { return try body() }
        return try pins.exclusively { () throws(DatapathError) in
            try checkInForce()
            return try body()
        }
    }

    /// Throws `DatapathError.superseded` if another process has replaced or removed what this one has open.
    func checkInForce() throws(DatapathError) {
        guard !ledger.isSuperseded else { throw .superseded(path: pins.path) }
    }

    /// The numbers of all interfaces in the calling thread's network namespace.
    static func interfaceIndexes() -> [UInt32] {
        guard let first = if_nameindex() else { return [] }
        defer { if_freenameindex(first) }
        var indexes: [UInt32] = []
        var entry = first
        while entry.pointee.if_index != 0 {
            indexes.append(entry.pointee.if_index)
            entry += 1
        }
        return indexes
    }

    /// The programs in force, which another process may have exchanged.
    func currentPrograms() throws(DatapathError) -> ProgramSet {
        let generation = ledger.programGeneration
        if let cached = programs.withLock({ $0?.generation == generation ? $0?.set : nil }) { return cached }
        let set = try ProgramSet.pinned(pins, .current)
        programs.withLock { $0 = (generation, set) }
        return set
    }
}
