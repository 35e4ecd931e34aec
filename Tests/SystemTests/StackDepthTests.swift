import CBPF
import Datapath
import Policy
import Testing

/// What kernels older than the one that runs the tests would refuse: Linux before 6.9 counts the stack of each call in steps
/// of 32 bytes, and the deepest way through a program's calls may have 512 (kernel/bpf/verifier.c, check_max_stack_depth).
@Suite(.timeLimit(.minutes(5)))
struct StackDepthTests {
    @Test func `the deepest way through each program's calls fits an older kernel's stack`() throws {
        let bytes = try ObjectUnderTest.object.bytes()
        let object = try #require(bytes.withUnsafeBytes { cbpf_object_open($0.baseAddress, $0.count, "guard") })
        defer { bpf_object__close(object) }
        try #require(bpf_object__load(object) == 0)
        for direction in Direction.allCases {
            let program = try #require(bpf_object__find_program_by_name(object, direction.programName))
            let instructions = UnsafeBufferPointer(start: bpf_program__insns(program), count: bpf_program__insn_cnt(program))
            let functions = Functions(Array(instructions))
            let depth = functions.depth(from: 0)
            #expect(depth <= 512, "\(direction.programName): \(depth) bytes")
            // Something was looked at: each calls what counts, at least.
            #expect(functions.count > 1 && depth >= 64)
        }
    }

    @Test func `what is used of the stack is seen, by stores, loads and addresses`() {
        let call: [bpf_insn] = [
            bpf_insn(code: 0x7b, dst_reg: 10, src_reg: 1, off: -40, imm: 0),  // *(u64 *)(r10 - 40) = r1
            bpf_insn(code: 0x85, dst_reg: 0, src_reg: 1, off: 0, imm: 1),  // call the function two further on
            bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),  // exit
            bpf_insn(code: 0xbf, dst_reg: 2, src_reg: 10, off: 0, imm: 0),  // r2 = r10
            bpf_insn(code: 0x07, dst_reg: 2, src_reg: 0, off: 0, imm: -100),  // r2 += -100
            bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
        ]
        // 40 is 64, and 100 is 128.
        #expect(Functions(call).depth(from: 0) == 192 && Functions(call).count == 2)
    }
}

/// A program's functions, as libbpf lays them out: the program itself, and behind it whatever it calls.
private struct Functions {
    private var bytes: [Int: Int] = [:]
    private var calls: [Int: Set<Int>] = [:]

    var count: Int { bytes.count }

    init(_ instructions: [bpf_insn]) {
        var starts: Set<Int> = [0]
        for (place, instruction) in instructions.enumerated() where Self.isCall(instruction) { starts.insert(place + 1 + Int(instruction.imm)) }
        var function = 0
        var addresses: Set<UInt8> = []
        for (place, instruction) in instructions.enumerated() {
            if starts.contains(place) { (function, addresses) = (place, []) }
            if Self.isCall(instruction) { calls[function, default: []].insert(place + 1 + Int(instruction.imm)) }
            bytes[function] = max(bytes[function] ?? 0, Self.reach(of: instruction, &addresses))
        }
    }

    /// BPF_JMP | BPF_CALL of BPF_PSEUDO_CALL.
    private static func isCall(_ instruction: bpf_insn) -> Bool { instruction.code == 0x85 && instruction.src_reg == 1 }

    /// How far down an instruction goes from the frame pointer, r10. `addresses` are registers that hold it.
    private static func reach(of instruction: bpf_insn, _ addresses: inout Set<UInt8>) -> Int {
        let kind = instruction.code & 7
        // BPF_LDX reads by its source; BPF_ST and BPF_STX write by their destination.
        if kind == 1, instruction.src_reg == 10 { return max(0, -Int(instruction.off)) }
        if kind == 2 || kind == 3, instruction.dst_reg == 10 { return max(0, -Int(instruction.off)) }
        let register = instruction.dst_reg
        if instruction.code == 0xbf, instruction.src_reg == 10 {
            addresses.insert(register)
        } else if instruction.code == 0x07, addresses.contains(register) {
            addresses.remove(register)
            return max(0, -Int(instruction.imm))
        }
        return 0
    }

    /// Of the stack, in bytes.
    func depth(from function: Int) -> Int {
        let own = (max(bytes[function] ?? 0, 1) + 31) / 32 * 32
        return own + (calls[function, default: []].map { depth(from: $0) }.max() ?? 0)
    }
}
