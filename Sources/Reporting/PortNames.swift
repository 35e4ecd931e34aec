import Datapath

/// Which port and guest an interface's number stands for.
package struct PortNames {
    private let datapath: Datapath
    private var ports: [UInt32: PortStatus] = [:]
    private var last: ContinuousClock.Instant?

    package init(_ datapath: Datapath) { self.datapath = datapath }

    package subscript(index: UInt32) -> PortStatus? { ports[index] }

    /// Looks again, once a second at most. What is gone by now is still known by its last name.
    package mutating func refresh() throws {
        if let last, last.duration(to: .now) < .seconds(1) { return }
        last = .now
        for port in try datapath.ports() { ports[port.port.index] = port }
    }
}
