import Foundation
import Testing

/// The manual says all that the command can do: compared with what the command says of itself.
@Suite(.timeLimit(.minutes(10)))
struct ManualTests {
    private struct Dump: Decodable { var command: Subcommand }

    private struct Subcommand: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var kind: String
            var names: [Name]?
            var valueName: String?
            var shouldDisplay: Bool
        }
        var commandName: String
        var subcommands: [Subcommand]?
        var arguments: [Argument]?

        /// With those of the commands below it, which are on the same page.
        var allArguments: [Argument] {
            (arguments ?? []) + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.allArguments)
        }
    }

    private func subcommands() throws -> [Subcommand] {
        let dump = try Command(["--experimental-dump-help"])
        let all = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command.subcommands ?? []
        return all.filter { $0.commandName != "help" }
    }

    private func page(_ name: String) throws -> String {
        try String(contentsOf: Command.project.appending(path: "Documentation/man/\(name).8"), encoding: .utf8)
    }

    @Test func `the first page names every subcommand and its page`() throws {
        let page = try page("vifguard")
        let names = try subcommands().map(\.commandName)
        #expect(names.count >= 10)
        for name in names {
            #expect(page.contains("Ic \(name)"), "\(name) isn't in vifguard.8")
            #expect(page.contains(".Xr vifguard-\(name) 8"), "vifguard.8 doesn't refer to vifguard-\(name)(8)")
        }
    }

    @Test func `each subcommand has a page with all of its options, in the synopsis and explained`() throws {
        for subcommand in try subcommands() {
            let page = try page("vifguard-\(subcommand.commandName)")
            let synopsis = page.components(separatedBy: ".Sh DESCRIPTION")[0]
            for argument in subcommand.allArguments where argument.shouldDisplay {
                for name in argument.names ?? [] where name.kind == "long" && name.name != "help" && name.name != "version" {
                    #expect(
                        synopsis.contains("Fl -\(name.name)"), "vifguard-\(subcommand.commandName).8: no --\(name.name) in the synopsis")
                    #expect(page.contains(".It Fl -\(name.name)"), "vifguard-\(subcommand.commandName).8: --\(name.name) isn't explained")
                }
            }
            #expect(page.contains(".Sh EXIT STATUS") && page.contains(".Sh EXAMPLES"), "\(subcommand.commandName)")
        }
    }

    @Test func `no page speaks of an option that isn't there`() throws {
        for subcommand in try subcommands() {
            let known = Set(subcommand.allArguments.flatMap { $0.names ?? [] }.map(\.name))
            let page = try page("vifguard-\(subcommand.commandName)")
            for line in page.split(separator: "\n") where line.hasPrefix(".It Fl -") {
                let option = line.dropFirst(".It Fl -".count).prefix { $0 != " " }
                #expect(known.contains(String(option)), "vifguard-\(subcommand.commandName).8 explains --\(option)")
            }
        }
    }
}
