/// Why a text isn't the address or prefix it should be, and what to write instead.
public enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text doesn't follow the notation; `expected` shows it by example.
    case malformed(text: String, expected: String)
    /// The number behind the slash isn't one of 0...`maximum`.
    case length(text: String, maximum: Int)
    /// Bits behind the prefix length are set: an address of the network was written, not the network.
    case hostBits(text: String, suggestion: IPPrefix)
    /// An IPv6 zone (`%eth0`) has no place here: a binding belongs to a port already.
    case zone(text: String)

    public var description: String {
        switch self {
        case .malformed(let text, let expected):
            "\(quoted(text)) is not \(expected)"
        case .length(let text, let maximum):
            "\(quoted(text)) has no valid prefix length: write a number from 0 to \(maximum) behind the slash"
        case .hostBits(let text, let suggestion):
            "\(quoted(text)) has host bits set: write \(suggestion) for the network, or the address alone for one host"
        case .zone(let text):
            "\(quoted(text)) has a zone: write the address without the % and what follows"
        }
    }
}

/// The text in quotation marks, cut to a readable length and without anything that could steer a terminal.
private func quoted(_ text: String) -> String {
    let limit = 64
    var shown = "\""
    for scalar in text.unicodeScalars.prefix(limit) {
        shown += scalar.escaped(asASCII: true)
    }
    return shown + (text.unicodeScalars.count > limit ? "…\"" : "\"")
}
