import CLinux

/// The kernel's number for an interface within one network namespace, never 0. Numbers repeat between namespaces,
/// and may be given again after the interface is gone.
public typealias InterfaceIndex = UInt32

/// A netlink message being written: the fixed header of its kind, then attributes, each padded to 4 bytes
/// (linux/netlink.h). All integers are in host byte order unless the attribute's name says otherwise.
public struct NetlinkMessage: Sendable {
    public let type: UInt16
    public let flags: UInt16
    /// Everything after `struct nlmsghdr`.
    public private(set) var payload: [UInt8]

    /// - Parameters:
    ///   - type: RTM_NEWLINK and so on.
    ///   - flags: NLM_F_… beyond NLM_F_REQUEST and NLM_F_ACK, which the socket adds.
    ///   - header: the kind's fixed header, `ifinfomsg`, `ndmsg`, `tcmsg`…
    public init(type: Int, flags: Int32 = 0, header: some BitwiseCopyable) {
        self.type = UInt16(type)
        self.flags = UInt16(flags)
        payload = []
        payload.reserveCapacity(128)
        withUnsafeBytes(of: header) { payload.append(contentsOf: $0) }
        pad()
    }

    /// Appends an attribute holding an integer or a C struct as it lies in memory.
    public mutating func append(_ attribute: Int, _ value: some BitwiseCopyable) {
        withUnsafeBytes(of: value) { append(attribute, bytes: Array($0)) }
    }

    /// Appends an attribute holding raw bytes; at most 65,531 fit into one.
    public mutating func append(_ attribute: Int, bytes: [UInt8]) {
        precondition(bytes.count <= Int(UInt16.max) - 4, "a netlink attribute holds at most 65,531 bytes")
        write(UInt16(bytes.count + 4))
        write(UInt16(attribute))
        payload.append(contentsOf: bytes)
        pad()
    }

    /// Appends a zero-terminated string.
    public mutating func append(_ attribute: Int, string: String) {
        append(attribute, bytes: Array(string.utf8) + [0])
    }

    /// Appends an attribute that holds those which `body` appends (and, first, what it writes with `appendHeader`).
    public mutating func nest(_ attribute: Int, _ body: (inout NetlinkMessage) -> Void) {
        let start = payload.count
        write(UInt16(0))
        write(UInt16(attribute) | UInt16(NLA_F_NESTED))
        body(&self)
        let length = payload.count - start
        precondition(length <= Int(UInt16.max), "a netlink attribute holds at most 65,531 bytes")
        withUnsafeBytes(of: UInt16(length)) { payload.replaceSubrange(start..<start + 2, with: $0) }
    }

    /// Appends a bare C struct, for the few nests that begin with one (VETH_INFO_PEER).
    public mutating func appendHeader(_ header: some BitwiseCopyable) {
        withUnsafeBytes(of: header) { payload.append(contentsOf: $0) }
        pad()
    }

    /// The whole message as the kernel takes it.
    func encoded(sequence: UInt32, adding extra: Int32) -> [UInt8] {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + payload.count)
        header.nlmsg_type = type
        header.nlmsg_flags = flags | UInt16(extra)
        header.nlmsg_seq = sequence
        return withUnsafeBytes(of: header) { Array($0) } + payload
    }

    private mutating func write(_ value: UInt16) {
        withUnsafeBytes(of: value) { payload.append(contentsOf: $0) }
    }

    private mutating func pad() {
        while payload.count % 4 != 0 { payload.append(0) }
    }
}
