/// Where in a policy something is written.
public struct SourceLocation: Sendable, Hashable, Codable {
    /// The file's path, relative to the policy's folder where there is one: `guests.d/www.yaml`.
    public var file: String
    /// The line, counted from 1; 0 where the file as a whole is meant.
    public var line: Int
    /// The column in Unicode scalars, counted from 1; 0 where the file as a whole is meant.
    public var column: Int

    public init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line`, the way one place is named in a message about another.
    var place: String { line == 0 ? printable(file) : "\(printable(file)):\(line)" }
}

extension SourceLocation: CustomStringConvertible {
    /// `file:line:column`, as compilers print it and editors jump to it; without what isn't known.
    public var description: String { line == 0 ? printable(file) : "\(printable(file)):\(line):\(column)" }
}

/// A value and where it was written.
struct Located<Value> {
    var value: Value
    var location: SourceLocation
}

extension Located: Sendable where Value: Sendable {}
