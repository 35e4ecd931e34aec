import ArgumentParser
import Hypervisors
import Glibc
import Reporting

/// `vifguard hook libvirt`
struct HookLibvirtCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "libvirt", abstract: "Bind a libvirt guest's ports before it runs, let go of them when it has ended.",
        discussion: """
            libvirt calls it through /etc/libvirt/hooks/qemu.d/vifguard, and writes the guest's XML to its standard input. A start \
            that can't be guarded is refused; 'reconnect' never fails, as libvirt would kill the guest.
            """)

    @Argument(help: "The guest's name.")
    var guest: String

    @Argument(help: "prepare, start, started, stopped, release or reconnect; others do nothing.")
    var operation: String

    @Argument(help: "What libvirt says besides: begin or end, and -.")
    var rest: [String] = []

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption

    func run() throws {
        // Read in any case: libvirt writes it.
        let xml = Result { () throws(CardError) in try LibvirtHook.read(STDIN_FILENO) }
        guard let operation = LibvirtHook.Operation(rawValue: operation) else { return }
        do {
            try LibvirtHook(policyPath: policy.path, pins: pins.folder).run(operation, guest: guest, xml: try xml.get())
        } catch  where operation == .reconnect {
            Output.complain(about: error)
        }
    }
}
