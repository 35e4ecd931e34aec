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
        for (direction, program) in programs {
            let path = pins.program(direction.programName, generation)
            try PinFolder.unpin(path + "-new")
            try program.descriptor.pin(at: path + "-new")
            try PinFolder.rename(path + "-new", to: path)
        }
    }

    /// Which of the six a program is, by its name; nil for somebody else's, or one that is gone.
    static func direction(ofProgram id: UInt32) -> Direction? {
        let descriptor = bpf_prog_get_fd_by_id(id)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var description = cbpf_program()
        guard cbpf_program_describe(descriptor, &description) == 0 else { return nil }
        return Direction(programName: withUnsafeBytes(of: description.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
}
