import CLinux
import Glibc

extension TrafficControl {
    /// Removes the clsact hooks of an interface if no filter of any kind is left on them. None is fine.
    public static func removeUnusedHooks(from interface: InterfaceIndex) throws(NetlinkError) {
        let socket = try NetlinkSocket()
        for direction in Direction.allCases {
            var header = tcmsg()
            header.tcm_ifindex = Int32(bitPattern: interface)
            header.tcm_parent = direction.parent
            let request = NetlinkRequest(
                NetlinkMessage(type: RTM_GETTFILTER, header: header), action: "list the filters of", interface: Link.label(interface))
            do throws(NetlinkError) {
                guard try socket.dump(request).isEmpty else { return }
            } catch  where [ENODEV, EINVAL, ENOENT].contains(error.errno) {
                return
            }
        }
        do throws(NetlinkError) {
            try removeHooks(from: interface)
        } catch  where error.errno == ENODEV {
        }
    }
}
