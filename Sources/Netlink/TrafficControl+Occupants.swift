import CLinux
import Glibc

extension TrafficControl {
    /// A filter of any kind at the clsact hooks of an interface.
    public struct Occupant: Hashable, Sendable {
        public let direction: Direction
        /// "bpf", "flower", "u32"…
        public let kind: String
        public let priority: UInt16
        public let handle: UInt32
        /// Of a bpf filter.
        public let programID: UInt32?
        /// Of a bpf filter, as whoever put it there called it.
        public let name: String?
    }

    /// All filters of one direction of an interface, in the order in which they run. None if it has no hooks.
    public static func occupants(of interface: InterfaceIndex, _ direction: Direction) throws(NetlinkError) -> [Occupant] {
        var header = tcmsg()
        header.tcm_ifindex = Int32(bitPattern: interface)
        header.tcm_parent = direction.parent
        let request = NetlinkRequest(
            NetlinkMessage(type: RTM_GETTFILTER, header: header), action: "list the filters of", interface: Link.label(interface))
        let replies: [NetlinkReply]
        do throws(NetlinkError) {
            replies = try NetlinkSocket().dump(request)
        } catch  where error.errno == EINVAL || error.errno == ENOENT {
            return []
        }
        return replies.compactMap { Occupant($0, interface, direction) }
    }

    /// Interfaces with the older "ingress" qdisc, which has the place of the clsact hooks, and no egress side.
    public static func ingressOnly() throws(NetlinkError) -> Set<InterfaceIndex> {
        let request = NetlinkRequest(NetlinkMessage(type: RTM_GETQDISC, header: tcmsg()), action: "list the qdiscs")
        let found = try NetlinkSocket().dump(request).filter { $0.attributes(after: tcmsg.self)[Int(TCA_KIND)]?.string == "ingress" }
        return Set(found.compactMap { $0.header(tcmsg.self) }.map { InterfaceIndex(bitPattern: $0.tcm_ifindex) })
    }
}

extension TrafficControl.Occupant {
    /// nil for the line that stands for a priority as a whole (handle 0).
    fileprivate init?(_ reply: NetlinkReply, _ interface: InterfaceIndex, _ direction: TrafficControl.Direction) {
        guard Int(reply.type) == RTM_NEWTFILTER, let header = reply.header(tcmsg.self),
            InterfaceIndex(bitPattern: header.tcm_ifindex) == interface, header.tcm_handle != 0
        else { return nil }
        let attributes = reply.attributes(after: tcmsg.self)
        let options = attributes[Int(TCA_OPTIONS)]?.nested
        self.direction = direction
        kind = attributes[Int(TCA_KIND)]?.string ?? ""
        priority = UInt16(truncatingIfNeeded: header.tcm_info >> 16)
        handle = header.tcm_handle
        programID = kind == "bpf" ? options?[Int(TCA_BPF_ID)]?.uint32 : nil
        name = kind == "bpf" ? options?[Int(TCA_BPF_NAME)]?.string : nil
    }
}
