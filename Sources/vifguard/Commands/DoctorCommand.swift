import ArgumentParser
import Doctor

/// `vifguard doctor`
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Find what would undermine the guard.",
        discussion: """
            Looks at the policy, the kernel, the bridges and their ports, the host's packet filters and settings, and what guests \
            did in the last day. Each finding says what is there, what it means and what mends it. Nothing is changed. Exit \
            status: 0 if there is no problem, whatever warnings there are, and 1 if there is one.
            """)

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var state: StateOption
    @OptionGroup var json: JSONOption

    func run() async throws {
        let diagnosis = try await Doctor.examine(policy: policy.path, pins: pins.folder, stateFolder: state.folder)
        if json.isOn { try Output.printJSON(diagnosis) } else { Output.print(diagnosis.lines(.output)) }
        if !diagnosis.isSound { throw ExitCode.failure }
    }
}
