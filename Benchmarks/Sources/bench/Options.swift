import CInjection

/// What the command line asks for.
struct Options {
    var isQuick = false
    var jsonFile: String?
    /// The folder that gets table, figures and picture.
    var folder: String?
    var cpu = Options.lastCPU
    var rounds = 21
    var sizes = [1, 16, 128, 1000]
    /// Bridges of a host with several: how many, and guests on each.
    var manyBridges = (bridges: 10, guests: 1000)
    var parts = Set(Part.allCases)
    var engines = Engine.allCases
    /// Only kinds of frames whose title contains it.
    var filter: String?
    /// The command whose agent is measured, in place of all else.
    var agentBinary: String?

    /// What is measured, but for the agent.
    enum Part: String, CaseIterable {
        case frames, bridges, flood, changes
        case fanOut = "fan-out"
    }

    static let usage = """
        usage: Benchmarks/run [--quick] [--save FOLDER] [--json FILE] [--cpu N]
                              [--rounds N] [--guests N,N] [--bridges BxN]
                              [--parts NAME,NAME] [--engines NAME,NAME] [--only TEXT]
               Benchmarks/run --agent VIFGUARD [--quick] [--json FILE]
          --agent FILE the figures of that command's agent, and nothing else
          --quick      1 and 16 guests, 2 bridges, 5 rounds: a minute or two
          --save FOLDER  bench.txt (the table), bench.json (all figures) and growth.svg
                       (the growth with the number of guests, as a picture) go there
          --json FILE  all figures, for programs
          --cpu N      the CPU that everything is measured on (the last one)
          --rounds N   how often each figure is taken (21)
          --guests N,N on bridges with so many guests (1,16,128,1000)
          --bridges BxN  on one of B bridges with N guests each (10x1000)
          --parts      of \(Part.allCases.map(\.rawValue).joined(separator: ", ")) (all)
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
        var givenBridges: (Int, Int)?
        while let option = rest.popFirst() {
            switch option {
            case "--quick": isQuick = true
            case "--agent": agentBinary = try value(of: option)
            case "--json": jsonFile = try value(of: option)
            case "--save": folder = try value(of: option)
            case "--cpu": cpu = try number(of: option, in: 0...1023)
            case "--guests": givenSizes = try numbers(of: option, in: 1...1000)
            case "--bridges": givenBridges = try Self.bridges(value(of: option))
            case "--only": filter = try value(of: option)
            case "--parts":
                parts = Set(
                    try value(of: option).split(separator: ",").map { name in
                        guard let part = Part(rawValue: String(name)) else { throw Mistake(description: "\(option): there is no part \(name)") }
                        return part
                    })
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
        if isQuick { (rounds, sizes, manyBridges) = (5, [1, 16], (2, 16)) }
        rounds = givenRounds ?? rounds
        sizes = givenSizes ?? sizes
        manyBridges = givenBridges ?? manyBridges
    }

    /// Such as 10x1000: a host guards 16,383 ports at most, uplinks and bridges among them.
    private static func bridges(_ text: String) throws -> (Int, Int) {
        let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard numbers.count == 2, (2...16).contains(numbers[0]), (1...1000).contains(numbers[1]) else {
            throw Mistake(description: "--bridges \(text): give such as 10x1000, 2 to 16 bridges with 1 to 1000 guests each")
        }
        return (numbers[0], numbers[1])
    }
}
