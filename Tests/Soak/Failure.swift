import Packets

/// Why a soak ended before its time, or badly.
enum Failure: Error, CustomStringConvertible {
    /// The guard, or a program of ours, did what it mustn't.
    case found(String)
    /// The machine lost frames on the way, so that nothing can be said about the guard.
    case invalid(String)

    var description: String {
        switch self {
        case .found(let what): what
        case .invalid(let why): "this run says nothing: \(why)"
        }
    }

    /// What arrived, or didn't, as people read it.
    static func frame(_ bytes: [UInt8]) -> String { "\(Frame(bytes: bytes)) (\(Hex.text(Array(bytes.prefix(96)))))" }
}
