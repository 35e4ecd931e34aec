import CLinux
import Glibc

/// Programs at an interface's clsact hooks (tc-bpf(8), direct action), for kernels before tcx (6.6).
///
/// Many interfaces are done in one batch: 2000 filters take a fraction of a second.
public enum TrafficControl {
    public enum Direction: Hashable, Sendable, CaseIterable {
        /// What the interface has received, before a bridge sees it.
        case ingress
        /// What is about to leave by the interface.
        case egress

        var parent: UInt32 {
            switch self {
            case .ingress: CLINUX_TC_INGRESS_PARENT
            case .egress: CLINUX_TC_EGRESS_PARENT
            }
        }
    }

    /// Where on an interface a filter sits. The fixed pair of priority and handle is what makes it ours, and lets it be
    /// replaced in place: no frame passes without a program meanwhile.
    public struct Place: Hashable, Sendable {
        public let interface: InterfaceIndex
        public let direction: Direction
        /// 1 to 65535; filters of a lower number run first.
        public let priority: UInt16
        /// Not 0.
        public let handle: UInt32

        public init(interface: InterfaceIndex, direction: Direction, priority: UInt16, handle: UInt32) {
            self.interface = interface
            self.direction = direction
            self.priority = priority
            self.handle = handle
        }
    }

    /// A program to be put at a place.
    public struct Attachment: Hashable, Sendable {
        public let place: Place
        /// A descriptor of a loaded program of type BPF_PROG_TYPE_SCHED_CLS.
        public let program: Int32
        /// Shown by `tc filter show`.
        public let name: String

        public init(place: Place, program: Int32, name: String) {
            self.place = place
            self.program = program
            self.name = name
        }
    }

    /// A bpf filter found on an interface.
    public struct Filter: Hashable, Sendable {
        public let place: Place
        public let name: String
        /// The kernel's number of the program (`bpftool prog show id …`).
        public let programID: UInt32?
        /// Whether the program's return value decides, as it does for ours.
        public let isDirectAction: Bool
    }

    /// Makes the hooks (`tc qdisc add dev … clsact`) where they aren't yet, and puts each program at its place, instead
    /// of one that is there.
    ///
    /// - Returns: for each attachment, in order, nil or why it failed; the others were carried out.
    /// - Throws: `NetlinkError` if netlink itself failed.
    public static func attach(_ attachments: [Attachment]) throws(NetlinkError) -> [NetlinkError?] {
        let socket = try NetlinkSocket()
        let interfaces = Array(Set(attachments.map(\.place.interface))).sorted()
        let hooks = try addHooks(to: interfaces, on: socket)
        let missing = Dictionary(uniqueKeysWithValues: zip(interfaces, hooks)).compactMapValues(\.self)
        let results = try socket.performAll(attachments.map(request(attaching:)))
        // Without hooks the filter's own error says less than that of the hooks.
        return zip(attachments, results).map { missing[$0.place.interface] ?? $1 }
    }

    /// Makes the hooks of each interface where they aren't yet.
    ///
    /// - Returns: for each interface, in order, nil or why it failed.
    public static func addHooks(to interfaces: [InterfaceIndex]) throws(NetlinkError) -> [NetlinkError?] {
        try addHooks(to: interfaces, on: NetlinkSocket())
    }

    private static func addHooks(to interfaces: [InterfaceIndex], on socket: NetlinkSocket) throws(NetlinkError) -> [NetlinkError?] {
        var results = try socket.performAll(interfaces.map { hooks(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, $0, "add the clsact hooks to") })
        let present = results.indices.filter { results[$0]?.errno == EEXIST }
        guard !present.isEmpty else { return results }
        // Its handle, ffff:, may also be held by the older "ingress" qdisc, which has no egress side.
        let hooked = try hookedInterfaces(on: socket)
        for place in present {
            if hooked.contains(interfaces[place]) {
                results[place] = nil
            } else {
                let why = "an ingress qdisc is there already; find out whose it is, then 'tc qdisc del dev … ingress'"
                results[place] = NetlinkError(
                    action: "add the clsact hooks to", interface: Link.label(interfaces[place]), cause: .invalid(why))
            }
        }
        return results
    }

    /// Removes the filters at these places; one that isn't there is fine. The hooks stay, as others may use them.
    ///
    /// - Returns: for each place, in order, nil or why it failed.
    public static func detach(_ places: [Place]) throws(NetlinkError) -> [NetlinkError?] {
        let requests = places.map { place in
            var message = NetlinkMessage(type: RTM_DELTFILTER, header: header(place))
            message.append(Int(TCA_KIND), string: "bpf")
            return NetlinkRequest(message, action: "remove the filter from", interface: Link.label(place.interface))
        }
        return try NetlinkSocket().performAll(requests).map { error in
            // No such filter; no hooks at all (the kernel says EINVAL then); no such interface any more.
            error.flatMap { [ENOENT, EINVAL, ENODEV].contains($0.errno) ? nil : $0 }
        }
    }

    /// Removes the hooks of an interface and every filter on them (`tc qdisc del dev … clsact`). None is fine.
    public static func removeHooks(from interface: InterfaceIndex) throws(NetlinkError) {
        do throws(NetlinkError) {
            try NetlinkSocket().perform(hooks(RTM_DELQDISC, 0, interface, "remove the clsact hooks from"))
        } catch  where error.errno == EINVAL || error.errno == ENOENT {
        }
    }

    /// The bpf filters at the hooks of an interface, in both directions; empty if it has no hooks.
    public static func filters(on interface: InterfaceIndex) throws(NetlinkError) -> [Filter] {
        try filters(on: [interface])
    }

    /// The bpf filters at the hooks of these interfaces, in both directions.
    public static func filters(on interfaces: [InterfaceIndex]) throws(NetlinkError) -> [Filter] {
        let socket = try NetlinkSocket()
        let hooked = try hookedInterfaces(on: socket)
        var filters: [Filter] = []
        for interface in interfaces where hooked.contains(interface) {
            for direction in Direction.allCases {
                var header = tcmsg()
                header.tcm_ifindex = Int32(bitPattern: interface)
                header.tcm_parent = direction.parent
                let request = NetlinkRequest(
                    NetlinkMessage(type: RTM_GETTFILTER, header: header), action: "list the filters of",
                    interface: Link.label(interface))
                filters += try socket.dump(request).compactMap { Filter($0, interface, direction) }
            }
        }
        return filters
    }

    /// The interfaces that have the clsact hooks. The kernel lists the qdiscs of all interfaces or none.
    private static func hookedInterfaces(on socket: NetlinkSocket) throws(NetlinkError) -> Set<InterfaceIndex> {
        let request = NetlinkRequest(NetlinkMessage(type: RTM_GETQDISC, header: tcmsg()), action: "list the qdiscs")
        let clsact = try socket.dump(request).filter { $0.attributes(after: tcmsg.self)[Int(TCA_KIND)]?.string == "clsact" }
        return Set(clsact.compactMap { $0.header(tcmsg.self) }.map { InterfaceIndex(bitPattern: $0.tcm_ifindex) })
    }

    private static func request(attaching attachment: Attachment) -> NetlinkRequest {
        var message = NetlinkMessage(type: RTM_NEWTFILTER, flags: NLM_F_CREATE, header: header(attachment.place))
        message.append(Int(TCA_KIND), string: "bpf")
        message.nest(Int(TCA_OPTIONS)) {
            $0.append(Int(TCA_BPF_FD), attachment.program)
            $0.append(Int(TCA_BPF_NAME), string: attachment.name)
            $0.append(Int(TCA_BPF_FLAGS), UInt32(TCA_BPF_FLAG_ACT_DIRECT))
        }
        return NetlinkRequest(message, action: "attach the program '\(attachment.name)' to", interface: Link.label(attachment.place.interface))
    }

    private static func hooks(_ type: Int, _ flags: Int32, _ interface: InterfaceIndex, _ action: String) -> NetlinkRequest {
        var header = tcmsg()
        header.tcm_ifindex = Int32(bitPattern: interface)
        header.tcm_parent = CLINUX_TC_CLSACT_PARENT
        header.tcm_handle = CLINUX_TC_CLSACT_HANDLE
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.append(Int(TCA_KIND), string: "clsact")
        return NetlinkRequest(message, action: action, interface: Link.label(interface))
    }

    private static func header(_ place: Place) -> tcmsg {
        var header = tcmsg()
        header.tcm_ifindex = Int32(bitPattern: place.interface)
        header.tcm_parent = place.direction.parent
        header.tcm_handle = place.handle
        // The priority above, the EtherType (in network byte order) below.
        header.tcm_info = UInt32(place.priority) << 16 | UInt32(UInt16(ETH_P_ALL).bigEndian)
        return header
    }
}

extension TrafficControl.Filter {
    /// nil for filters of other kinds, and for the line that stands for a priority as a whole (handle 0).
    init?(_ reply: NetlinkReply, _ interface: InterfaceIndex, _ direction: TrafficControl.Direction) {
        guard Int(reply.type) == RTM_NEWTFILTER, let header = reply.header(tcmsg.self),
            InterfaceIndex(bitPattern: header.tcm_ifindex) == interface, header.tcm_handle != 0
        else { return nil }
        let attributes = reply.attributes(after: tcmsg.self)
        guard attributes[Int(TCA_KIND)]?.string == "bpf", let options = attributes[Int(TCA_OPTIONS)]?.nested else { return nil }
        place = TrafficControl.Place(
            interface: interface, direction: direction, priority: UInt16(truncatingIfNeeded: header.tcm_info >> 16),
            handle: header.tcm_handle)
        name = options[Int(TCA_BPF_NAME)]?.string ?? ""
        programID = options[Int(TCA_BPF_ID)]?.uint32
        isDirectAction = (options[Int(TCA_BPF_FLAGS)]?.uint32 ?? 0) & UInt32(TCA_BPF_FLAG_ACT_DIRECT) != 0
    }
}
