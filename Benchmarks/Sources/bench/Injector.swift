import CInjection
import Glibc
import Lab
import Netlink

/// Frames as if a port had received them, and what all of their path costs.
final class Injector: Sendable {
    private let program: Int32
    private let paced: Int32
    private static let pace = 16
    private let cpu: Int32

    /// - Parameter cpu: where everything is measured.
    /// - Throws: `LabError` where the kernel has no XDP.
    init(cpu: Int) throws {
        self.cpu = Int32(cpu)
        program = cinjection_program()
        paced = cinjection_paced_program(Int32(Self.pace))
        if let failure = [program, paced].first(where: { $0 < 0 }) {
            throw LabError(action: "load an XDP program", reason: "\(SystemErrorNumber(-failure))")
        }
    }

    deinit {
        for descriptor in [program, paced] where descriptor >= 0 { close(descriptor) }
    }

    /// Makes an interface of the calling thread's namespace ready to receive.
    func attach(to interface: InterfaceIndex) throws {
        let result = cinjection_attach(program, interface)
        guard result == 0 else {
            throw LabError(action: "attach an XDP program to interface \(interface)", reason: "\(SystemErrorNumber(-result))")
        }
    }

    /// Nanoseconds of CPU time for all of `count` frames. To be called in the interface's namespace.
    ///
    /// - Parameters:
    ///   - batch: how many the port receives at once, as in one go of a card's driver.
    ///   - isPaced: leaves the kernel time after each to deliver what it led to.
    func inject(_ frame: [UInt8], count: Int, batch: Int = 64, isPaced: Bool = false, at interface: InterfaceIndex) throws -> Double {
        var nanoseconds: UInt64 = 0
        let result = frame.withUnsafeBytes {
            cinjection_run(
                isPaced ? paced : program, interface, $0.baseAddress, UInt32($0.count), UInt32(isPaced ? count * Self.pace : count), UInt32(batch),
                cpu, &nanoseconds)
        }
        guard result == 0 else {
            throw LabError(
                action: "inject frames at interface \(interface)",
                reason: "\(SystemErrorNumber(-result)) (XDP live frames need Linux 5.18)")
        }
        return Double(nanoseconds)
    }
}
