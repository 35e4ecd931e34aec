/// One thing that is wrong with a policy, or worth a second look: where, what, and what to write instead.
public struct ConfigurationError: Error, Sendable, Hashable {
    public enum Severity: String, Sendable, Hashable, Codable {
        /// The policy isn't taken.
        case error
        /// The policy is taken as it stands.
        case warning
    }

    public var severity: Severity
    public var location: SourceLocation
    /// What is wrong, lower case, in one line, with nothing in it that could steer a terminal.
    public var message: String
    /// What to write instead; nil where writing doesn't help, as with a file that can't be read.
    public var suggestion: String?

    public init(_ message: String, at location: SourceLocation, write suggestion: String? = nil, severity: Severity = .error) {
        self.severity = severity
        self.location = location
        self.message = message
        self.suggestion = suggestion
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// The error as a compiler prints it, in lines of at most 80 columns where words allow:
    ///
    ///     guests.d/www.yaml:7:18: error: 216.146.46.1 is a gateway of bridge xenbr0
    ///         (policy.yaml:4)
    ///         write: an address that is free
    public var description: String {
        let head = wrapped("\(location): \(severity.rawValue): \(message)", continuation: 4)
        guard let suggestion else { return head }
        return head + "\n    " + wrapped("write: \(suggestion)", continuation: 11, firstColumn: 4)
    }
}

extension ConfigurationError {
    /// The same in one line, for a log.
    package var line: String {
        "\(location): \(severity.rawValue): \(message)" + (suggestion.map { "; write: \($0)" } ?? "")
    }
}

extension ConfigurationError: Encodable {
    private enum CodingKeys: String, CodingKey {
        case severity, file, line, column, message, suggestion
    }

    /// A flat object: `severity`, `file`, `line`, `column`, `message`, and `suggestion` where there is one.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(severity, forKey: .severity)
        try container.encode(location.file, forKey: .file)
        try container.encode(location.line, forKey: .line)
        try container.encode(location.column, forKey: .column)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(suggestion, forKey: .suggestion)
    }
}

/// Everything that is wrong with a policy, in the order of its files and lines, warnings among it.
public struct ConfigurationErrors: Error, Sendable, Hashable, Encodable, CustomStringConvertible {
    public var errors: [ConfigurationError]

    public init(_ errors: [ConfigurationError]) { self.errors = errors }

    public func encode(to encoder: any Encoder) throws { try errors.encode(to: encoder) }

    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// The text broken between words so that no line is longer than 80 columns; further lines are indented.
private func wrapped(_ text: String, continuation: Int, firstColumn: Int = 0) -> String {
    var result = ""
    var column = firstColumn
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
        let isFirst = result.isEmpty && column == firstColumn
        if !isFirst, column + 1 + word.count > 80 {
            result += "\n" + String(repeating: " ", count: continuation)
            column = continuation
        } else if !isFirst {
            result += " "
            column += 1
        }
        result += word
        column += word.count
    }
    return result
}
