// Whoever runs programs in a namespace gets hold of them.
@_exported import Processes

extension NetworkNamespace {
    /// Starts a program in this namespace and leaves it running.
    public func start(_ arguments: [String]) throws(LabError) -> RunningCommand {
        try LabError.wrap { () throws(ProcessError) in
            try runTyped { () throws(ProcessError) in try RunningCommand(startingHere: arguments) }
        }
    }

    /// Runs a program in this namespace to its end.
    ///
    /// - Throws: `LabError` if there is no such program or it took longer than the limit.
    public func execute(_ arguments: [String], atMost limit: Duration = .seconds(20)) throws(LabError) -> CommandResult {
        let command = try start(arguments)
        return try LabError.wrap { () throws(ProcessError) in try command.wait(atMost: limit) }
    }

    /// What the program writes.
    ///
    /// - Throws: `LabError` also if its exit status isn't 0.
    public func output(of arguments: [String], atMost limit: Duration = .seconds(20)) throws(LabError) -> String {
        let result = try execute(arguments, atMost: limit)
        guard result.succeeded else {
            throw LabError(
                action: "run '\(arguments.joined(separator: " "))' in \(label)",
                reason: "it ended with status \(result.status) and said: \(result.errors)\(result.output)")
        }
        return result.output
    }
}

extension LabError {
    fileprivate static func wrap<T>(_ body: () throws(ProcessError) -> T) throws(LabError) -> T {
        do throws(ProcessError) { return try body() } catch { throw LabError(action: error.action, reason: error.reason) }
    }
}
