/// Collects what is wrong while a policy is read, so that one run shows all of it.
final class Faults {
    /// More than anybody reads; a hostile file can't fill the memory with messages.
    static let limit = 1000

    private var found: [ConfigurationError] = []
    private var leftOut = 0
    /// Files in the order they are read; errors are shown in the same.
    private var files: [String: Int] = [:]
    private(set) var hasErrors = false

    var isFull: Bool { found.count >= Self.limit }

    func begin(file: String) {
        if files[file] == nil { files[file] = files.count }
    }

    func report(_ message: String, at location: SourceLocation, write suggestion: String? = nil) {
        hasErrors = true
        add(ConfigurationError(message, at: location, write: suggestion))
    }

    func warn(_ message: String, at location: SourceLocation, write suggestion: String? = nil) {
        add(ConfigurationError(message, at: location, write: suggestion, severity: .warning))
    }

    private func add(_ error: ConfigurationError) {
        if found.count < Self.limit { found.append(error) } else { leftOut += 1 }
    }

    /// All that was found, by file, line and column; at one place in the order it was found.
    var sorted: [ConfigurationError] {
        let order = found.enumerated().sorted { left, right in
            let (a, b) = (left.element.location, right.element.location)
            return (files[a.file] ?? .max, a.line, a.column, left.offset) < (files[b.file] ?? .max, b.line, b.column, right.offset)
        }
        var errors = order.map(\.element)
        if leftOut > 0, let last = errors.last {
            errors.append(ConfigurationError("\(leftOut) more not shown", at: SourceLocation(file: last.location.file)))
        }
        return errors
    }
}
