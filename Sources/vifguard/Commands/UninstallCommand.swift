import Reporting
import ArgumentParser
import Datapath
import Enforcement
import Glibc

/// `vifguard uninstall`
struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Take the guard off this host, and leave no trace.",
        discussion: "Asks first where a person sits at the terminal. The policy's files stay.")

    @Flag(help: "Don't ask.")
    var yes = false

    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        if !yes, isatty(STDIN_FILENO) == 1 {
            Output.warn(
                wrapped(
                    """
                    This takes every program, pin and counter in \(pins.folder.path.visible) away and gives the bridges and their \
                    ports their usual flags back. From then on every guest can use any address. The policy's files stay.
                    """))
            Output.warn("Go on? Write yes:")
            guard readLine() == "yes" else { throw Failure("left as it is") }
        }
        try Output.finish(try Uninstall.perform(pins: pins.folder), json, nothing: "Nothing to do: nothing is installed.")
    }
}
