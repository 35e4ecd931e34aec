/// Why what was asked for couldn't be done: what is wrong, where, and what to do.
package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
