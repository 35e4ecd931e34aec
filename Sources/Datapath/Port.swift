/// An interface to be guarded, and the bridge it belongs to.
public struct Port: Sendable, Hashable {
    /// The interface's number (ifindex), which is what the kernel program knows it by.
    public var index: UInt32
    /// Its name, kept for people.
    public var name: String
    public var bridgeIndex: UInt32
    public var bridgeName: String

    public init(index: UInt32, name: String, bridgeIndex: UInt32, bridgeName: String) {
        self.index = index
        self.name = name
        self.bridgeIndex = bridgeIndex
        self.bridgeName = bridgeName
    }

    /// The bridge's own interface.
    public init(bridgeIndex: UInt32, bridgeName: String) {
        self.init(index: bridgeIndex, name: bridgeName, bridgeIndex: bridgeIndex, bridgeName: bridgeName)
    }
}
