import Datapath
import Foundation

/// The kernel program that tests of its rules run: the one they were built with, or that of `VIFGUARD_OBJECT`, which
/// `make mutants` broke on purpose.
enum ObjectUnderTest {
    static let object: DatapathObject = ProcessInfo.processInfo.environment["VIFGUARD_OBJECT"].map { .file($0) } ?? .embedded

    /// An object that doesn't load proves nothing about any rule: `Tests/mutants` looks for these words.
    struct Refused: Error, CustomStringConvertible {
        let error: DatapathError
        var description: String { "the object under test can't be loaded: \(error)" }
    }

    static func load(_ object: DatapathObject = object) throws -> Datapath {
        do { return try Datapath.load(object: object) } catch { throw Refused(error: error) }
    }
}
