import Foundation

/// What the command line asks for.
struct Options {
    /// How long traffic flows, in seconds.
    var seconds = 3600.0
    var seed = UInt64.random(in: 0..<1_000_000)
    /// What happens meanwhile: all kinds of changes, or some.
    var changes = Changes.Kind.allCases
    /// Where all that the agent has said goes.
    var logFile: String?
    /// The command whose agent is soaked: the one beside this program.
    var vifguard = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "vifguard").path

    static let usage = """
        usage: soak [--minutes N | --seconds N] [--seed N] [--vifguard FILE]
                    [--changes KIND,KIND] [--log FILE]
          --minutes N      how long (60)
          --seconds N      the same, for a short one
          --seed N         what is sent and changed, and in which order (any)
          --vifguard FILE  the command to try (the one beside this program)
          --changes KINDS  only these kinds of changes, to look into one:
        \(Changes.Kind.names)
          --log FILE       what the agent has said, all of it; and, where the soak
                           fails, its store of events in FILE.state
        """

    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: [String]) throws(Mistake) {
        var rest = arguments[...]
        func value(of option: String) throws(Mistake) -> String {
            guard let value = rest.popFirst() else { throw Mistake(description: "\(option) needs a value") }
            return value
        }
        func seconds(of option: String, _ unit: Double) throws(Mistake) -> Double {
            let text = try value(of: option)
            // A bound, so that a slip of the finger doesn't soak for a year; and the least that has a checkpoint in it.
            guard let number = Double(text), (10...172_800).contains(number * unit) else {
                throw Mistake(description: "\(option) \(text): give a time from 10 seconds to two days")
            }
            return number * unit
        }
        while let option = rest.popFirst() {
            switch option {
            case "--minutes": self.seconds = try seconds(of: option, 60)
            case "--seconds": self.seconds = try seconds(of: option, 1)
            case "--seed":
                let text = try value(of: option)
                guard let number = UInt64(text) else { throw Mistake(description: "--seed \(text): give a number") }
                seed = number
            case "--vifguard": vifguard = try value(of: option)
            case "--changes":
                let words = try value(of: option).split(separator: ",").map(String.init)
                changes = Changes.Kind.allCases.filter { words.contains($0.rawValue) }
                guard changes.count == Set(words).count, !changes.isEmpty else {
                    throw Mistake(description: "\(option): give some of these, with commas:\n\(Changes.Kind.names)")
                }
            case "--log": logFile = try value(of: option)
            default: throw Mistake(description: "there is no option \(option)")
            }
        }
    }
}
