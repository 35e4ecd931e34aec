/// The text of a file, checked and made ready for the YAML parser.
///
/// Aliases (`*name`) can make a few lines stand for gigabytes, and the parser compares keys by their whole content. A
/// policy needs none, so every asterisk is replaced by one private character before parsing: what would be an alias
/// becomes plain text that starts with that character, is found, and reported where it stands. Columns stay as they are.
struct YAMLText {
    /// Stands for an asterisk. No file may hold it: all of plane 16 is refused.
    static let asterisk: Unicode.Scalar = "\u{10FFFD}"

    var text: String

    /// Refuses what isn't UTF-8 and characters that no policy needs.
    init?(_ bytes: [UInt8], file: String, faults: Faults) {
        var position = SourceLocation(file: file, line: 1, column: 1)
        var prepared = String.UnicodeScalarView()
        var iterator = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var isAfterReturn = false
        reading: while true {
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput:
                break reading
            case .error:
                let advice = "the file in UTF-8; iconv -f LATIN1 -t UTF-8 converts an older one"
                faults.report("not valid UTF-8", at: position, write: advice)
                return nil
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                if scalar == "\u{FEFF}", prepared.isEmpty { continue }
                guard Self.isAllowed(scalar) else {
                    let name = "U+" + String(scalar.value, radix: 16, uppercase: true)
                    faults.report("the character \(name) has no place in a policy", at: position, write: "the line without it")
                    return nil
                }
                prepared.append(scalar == "*" ? Self.asterisk : scalar)
                Self.advance(&position, over: scalar, isAfterReturn: &isAfterReturn)
            }
        }
        text = String(prepared)
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": true
        default: isPrintable(scalar)
        }
    }

    private static func advance(_ position: inout SourceLocation, over scalar: Unicode.Scalar, isAfterReturn: inout Bool) {
        if scalar == "\n", isAfterReturn {
            isAfterReturn = false
        } else if scalar == "\n" || scalar == "\r" {
            position.line += 1
            position.column = 1
            isAfterReturn = scalar == "\r"
        } else {
            position.column += 1
            isAfterReturn = false
        }
    }

    /// The index of the character at a line and column counted from 1; nil if there is none.
    func index(line: Int, column: Int) -> String.Index? {
        let scalars = text.unicodeScalars
        var position = SourceLocation(file: "", line: 1, column: 1)
        var isAfterReturn = false
        for index in scalars.indices {
            if position.line == line, position.column == column { return index }
            Self.advance(&position, over: scalars[index], isAfterReturn: &isAfterReturn)
        }
        return nil
    }

    /// Asterisks back in their place.
    static func restored(_ text: String) -> String {
        guard text.unicodeScalars.contains(asterisk) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == asterisk ? "*" : $0 }))
    }
}
