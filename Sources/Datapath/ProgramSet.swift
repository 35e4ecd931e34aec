import CBPF
import Glibc
import Netlink
import Policy

/// The six programs, loaded.
struct ProgramSet: Sendable {
    struct Program: Sendable {
        let descriptor: Descriptor
        /// The kernel's number of it.
        let id: UInt32
    }

    private let programs: [Direction: Program]

    subscript(_ direction: Direction) -> Program { programs[direction]! }

    /// Takes each program from `find`.
    init(_ find: (Direction) throws(DatapathError) -> Descriptor) throws(DatapathError) {
        var programs: [Direction: Program] = [:]
        for direction in Direction.allCases {
            let descriptor = try find(direction)
            var description = cbpf_program()
            let result = cbpf_program_describe(descriptor.number, &description)
            guard result == 0 else { throw .call("describe program '\(direction.programName)'", result) }
            programs[direction] = Program(descriptor: descriptor, id: description.id)
        }
        self.programs = programs
    }

    /// Opens the pinned ones.
    static func pinned(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) -> ProgramSet {
        try ProgramSet { direction throws(DatapathError) in
            let path = pins.program(direction.programName, generation)
            guard let descriptor = try Descriptor.pinned(at: path) else {
                throw .object(reason: "\(path) is missing: somebody removed it; 'vifguard uninstall', then 'vifguard apply'")
            }
            return descriptor
        }
    }

    /// Pins each under its name; one that is there is replaced in one step.
    func pin(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) {
        try pinBeside(pins, generation)
        try takePlace(pins, generation)
    }

    /// Pins each beside the one that is in force, where the next process finds them if this one is cut short.
    func pinBeside(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) {
        for (direction, program) in programs {
            let path = pins.program(direction.programName, generation) + Self.beside
            try PinFolder.unpin(path)
            try program.descriptor.pin(at: path)
        }
    }

    /// Puts those pinned beside in the place of the ones in force.
    func takePlace(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) {
        for direction in programs.keys {
            let path = pins.program(direction.programName, generation)
            try PinFolder.rename(path + Self.beside, to: path)
        }
    }

    private static let beside = "-new"

    /// Which of the six each pinned program is, by the kernel's number: those in force and any that an exchange cut short
    /// has left.
    static func directions(_ pins: PinFolder) throws(DatapathError) -> [UInt32: Direction] {
        var directions: [UInt32: Direction] = [:]
        for generation in [PinFolder.Generation.current, .next, .previous] {
            for direction in Direction.allCases {
                for end in ["", beside] {
                    let path = pins.program(direction.programName, generation) + end
                    guard let descriptor = try Descriptor.pinned(at: path) else { continue }
                    var description = cbpf_program()
                    let result = cbpf_program_describe(descriptor.number, &description)
                    guard result == 0 else { throw .call("describe program \(path)", result) }
                    directions[description.id] = direction
                }
            }
        }
        return directions
    }

    /// Which of the six a program is that isn't pinned, by its name; nil for somebody else's, or one that is gone.
    ///
    /// - Throws: `DatapathError.notPermitted` for those who may not look, which takes CAP_SYS_ADMIN (kernel/bpf/syscall.c,
    ///   bpf_prog_get_fd_by_id): not to know isn't the same as that there is none.
    static func direction(ofProgram id: UInt32) throws(DatapathError) -> Direction? {
        let descriptor = bpf_prog_get_fd_by_id(id)
        if descriptor == -EPERM { throw .notPermitted(action: "look at program \(id), which no pin leads to,") }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var description = cbpf_program()
        guard cbpf_program_describe(descriptor, &description) == 0 else { return nil }
        return Direction(programName: withUnsafeBytes(of: description.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
}
