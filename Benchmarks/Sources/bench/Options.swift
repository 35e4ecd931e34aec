import CInjection

/// What the command line asks for.
struct Options {
    var isQuick = false
    var jsonFile: String?
    /// Where the picture of growth goes.
    var plotFile: String?
    var cpu = Options.lastCPU
    var rounds = 21
    var sizes = [1, 16, 128, 1000]
    var engines = Engine.allCases
    /// Only kinds of frames whose title contains it.
    var filter: String?
    /// The command whose agent is measured, in place of all else.
    var agentBinary: String?

    static let usage = """
        usage: Benchmarks/run [--quick] [--json FILE] [--cpu N] [--rounds N] [--guests N,N]
                              [--engines NAME,NAME] [--only TEXT]
                              [--plot FILE]
               Benchmarks/run --agent VIFGUARD [--quick] [--json FILE]
          --agent FILE the figures of that command's agent, and nothing else
          --quick      1 and 16 guests, 5 rounds: a minute
          --json FILE  all figures, for programs
          --plot FILE  the growth with the number of guests, as a picture (SVG)
          --cpu N      the CPU that everything is measured on (the last one)
          --rounds N   how often each figure is taken (21)
          --guests N,N on bridges with so many guests (1,16,128,1000)
          --engines    of \(Engine.allCases.map(\.rawValue).joined(separator: ", ")) (all); plain is always there
          --only TEXT  only kinds of frames with this in their title, such as "uplink to guest"
        """

    private static var lastCPU: Int { (0..<1024).last { cinjection_has_cpu(Int32($0)) == 1 } ?? 0 }

    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: `Mistake`
    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func value(of option: String) throws -> String {
            guard let value = rest.popFirst() else { throw Mistake(description: "\(option) needs a value") }
            return value
        }
        func number(of option: String, in range: ClosedRange<Int>) throws -> Int {
            let text = try value(of: option)
            guard let number = Int(text), range.contains(number) else {
                throw Mistake(description: "\(option) \(text): give a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        func numbers(of option: String, in range: ClosedRange<Int>) throws -> [Int] {
            let text = try value(of: option)
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            let good = numbers.compactMap(\.self).filter(range.contains)
            guard good.count == numbers.count else {
                throw Mistake(description: "\(option) \(text): give numbers from \(range.lowerBound) to \(range.upperBound), with commas")
            }
            return good
        }
        var givenRounds: Int?
        var givenSizes: [Int]?
        while let option = rest.popFirst() {
            switch option {
            case "--quick": isQuick = true
            case "--agent": agentBinary = try value(of: option)
            case "--json": jsonFile = try value(of: option)
            case "--plot": plotFile = try value(of: option)
            case "--cpu": cpu = try number(of: option, in: 0...1023)
            case "--guests": givenSizes = try numbers(of: option, in: 1...1000)
            case "--only": filter = try value(of: option)
            case "--engines":
                let names = try value(of: option).split(separator: ",").map(String.init)
                let unknown = names.first { Engine(rawValue: $0) == nil }
                if let unknown { throw Mistake(description: "\(option): there is no engine \(unknown)") }
                engines = Engine.allCases.filter { $0 == .plain || names.contains($0.rawValue) }
            case "--rounds": givenRounds = try number(of: option, in: 1...1000)
            default: throw Mistake(description: "there is no option \(option)")
            }
        }
        guard cinjection_has_cpu(Int32(cpu)) == 1 else { throw Mistake(description: "--cpu \(cpu): this process may not run there") }
        if isQuick { (rounds, sizes) = (5, [1, 16]) }
        rounds = givenRounds ?? rounds
        sizes = givenSizes ?? sizes
    }
}
