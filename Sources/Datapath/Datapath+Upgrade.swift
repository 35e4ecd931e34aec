import Netlink
import Policy

extension Datapath {
    /// Exchanges the programs for those of another object, or for the same with another stamp bit, in place.
    public func upgrade(to object: DatapathObject = .embedded, stampBit: Int = defaultStampBit) throws(DatapathError) {
        let stamp = try Self.stamp(ofBit: stampBit)
        let bytes = try object.bytes()
        try exclusively { () throws(DatapathError) in try exchangePrograms(bytes, stamp) }
    }

    /// Under the lock. Cut short at any point, every port has an old or a new program, and the ledger still names the
    /// old object: the next `load` does it again.
    func exchangePrograms(_ bytes: [UInt8], _ stamp: UInt32) throws(DatapathError) {
        let loader = try ObjectLoader(bytes, stamp: stamp, maps: .inForce(maps.descriptors))
        let programs = try ProgramSet { direction throws(DatapathError) in try loader.program(direction) }
        let known = try ProgramSet.directions(pins)
        try programs.pinBeside(pins, .current)
        try Self.switchPorts(pins, to: programs, known)
        try programs.takePlace(pins, .current)
        ledger.digest = DatapathObject.digest(of: bytes)
        ledger.stamp = stamp
    }

    /// Gives every hook that has a program of ours the same one out of `programs`. Looks at every interface there is,
    /// not at the records: they may be of a layout that this version doesn't know.
    ///
    /// - Parameter known: programs that are pinned.
    private static func switchPorts(_ pins: PinFolder, to programs: ProgramSet, _ known: [UInt32: Direction]) throws(DatapathError) {
        let attacher = Attacher(pins: pins)
        for interface in Set(interfaceIndexes()).union(try attacher.linked().map(\.interface)) {
            for hook in Hook.allCases {
                guard let found = try attacher.find(interface, hook) else { continue }
                var direction = known[found.program]
                if direction == nil { direction = try ProgramSet.direction(ofProgram: found.program) }
                guard let direction else { continue }
                try attacher.replace(found.way, interface, hook, programs[direction])
            }
        }
    }

    /// Moves to new maps, where those in force have another layout: a second set is loaded beside them, `fill` writes every
    /// record into it (`bind`, `close` and the rest attach nothing there), then each port's programs are exchanged, and the
    /// old set goes. No port is unguarded for a moment; counters start anew, and messages of DHCP that nobody has read are gone.
    ///
    /// Processes that have the old maps open get `DatapathError.superseded` from then on.
    ///
    /// - Parameters:
    ///   - ports: how many ports and bridges the new maps are made for (`portBounds`).
    ///   - fill: writes what goes into the new maps, and is given what DHCP has leased by those in force, which nobody changes
    ///     meanwhile; if it throws, all stays as it was.
    public static func replace(
        pins: PinFolder = PinFolder(), stampBit: Int = defaultStampBit, ports: Int = defaultPorts, object: DatapathObject = .embedded,
        fill: (Datapath, [Lease]) throws(DatapathError) -> Void
    ) throws(DatapathError) -> Datapath {
        try move(pins, stampBit, ports, object) { next throws(DatapathError) in
            try fill(try Datapath(pins: pins, ledger: next.ledger, maps: next.maps, isFilling: true), try leases(pinnedIn: pins))
        }
    }

    /// Moves as `replace` does to maps with more room, which hold what those in force hold, whoever wrote it: bindings, claims,
    /// leases, limits' buckets. Nobody notices but who counts: counters start anew.
    ///
    /// - Parameter ports: how many ports and bridges the new maps are made for (`portBounds`); not fewer than now.
    public static func enlarge(
        pins: PinFolder = PinFolder(), stampBit: Int = defaultStampBit, ports: Int, object: DatapathObject = .embedded
    ) throws(DatapathError) -> Datapath {
        try move(pins, stampBit, ports, object) { next throws(DatapathError) in
            guard let present = try opened(pins) else { throw .notLoaded(path: pins.path) }
            try present.copyTables(to: next)
        }
    }

    private static func move(
        _ pins: PinFolder, _ stampBit: Int, _ ports: Int, _ object: DatapathObject, fill: (Datapath) throws(DatapathError) -> Void
    ) throws(DatapathError) -> Datapath {
        let stamp = try stamp(ofBit: stampBit)
        try check(ports: ports)
        let bytes = try object.bytes()
        try pins.prepare()
        return try pins.exclusively { () throws(DatapathError) in
            try recover(pins)
            let old = try Ledger.pinned(pins, .current)
            let next = try loaded(pins, .next, bytes, stamp, ports)
            do throws(DatapathError) {
                if let old { next.ledger.continueNumbers(of: old) }
                try fill(next)
            } catch {
                try? pins.remove(.next)
                throw error
            }
            try switchPorts(pins, to: ProgramSet.pinned(pins, .next), ProgramSet.directions(pins))
            if old != nil { try pins.rename(.current, to: .previous) }
            try pins.rename(.next, to: .current)
            old?.isSuperseded = true
            try pins.remove(.previous)
            return next
        }
    }

    /// Finishes or undoes a move that was cut short. Under the lock.
    static func recover(_ pins: PinFolder) throws(DatapathError) {
        let present = Set(try PinFolder.entries(of: pins.path))
        guard present.contains("previous") || present.contains("next") else { return }
        if !present.contains("current") {
            // Between the two renames: the new set is whole.
            try pins.rename(present.contains("next") ? .next : .previous, to: .current)
        }
        if let old = try Ledger.pinned(pins, .previous) { old.isSuperseded = true }
        try pins.remove(.previous)
        if present.contains("next"), present.contains("current") {
            // Ports may already run programs of the unfinished set: those in force take over again.
            if try Ledger.pinned(pins, .current) != nil { try switchPorts(pins, to: ProgramSet.pinned(pins, .current), ProgramSet.directions(pins)) }
            try pins.remove(.next)
        }
    }
}
