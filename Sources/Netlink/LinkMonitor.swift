import CLinux
import Glibc

/// Tells of interfaces that come, go, change, and join or leave bridges, in the namespace of the thread that made it.
///
/// It begins with what is there (`links`), and from then on reports each difference once. If the kernel had more to
/// say than fitted (ENOBUFS), everything is read again and compared, so that nothing stays unreported: only what came
/// and went in between isn't seen. One thread at a time may use it.
public final class LinkMonitor {
    public enum Event: Hashable, Sendable {
        case appeared(Link)
        /// As it was last seen.
        case gone(Link)
        case joined(Link, bridge: InterfaceIndex)
        case left(Link, bridge: InterfaceIndex)
        /// Its name, address, state, MTU or another property is a new one.
        case changed(from: Link, to: Link)
        /// How its bridge treats a port is another way now; its spanning tree state apart, which changes by itself.
        case portChanged(Link, BridgePort.Settings)
        /// Messages were lost; what follows was found by comparison. An interface that was replaced by another of the
        /// same number meanwhile looks like the same: check what hangs on it.
        case overrun
    }

    /// The interfaces as the events given so far, and those waiting, leave them.
    public private(set) var links: [InterfaceIndex: Link] = [:]
    /// How the bridges treat their ports, as last told of.
    private var settings: [InterfaceIndex: BridgePort.Settings] = [:]
    private var pending: ArraySlice<Event> = []
    private let socket: NetlinkSocket
    private static let request = NetlinkRequest(NetlinkMessage(type: RTM_GETLINK, header: ifinfomsg()), action: "watch the interfaces")

    /// For poll(2): readable when there is something to take with `next`. `next` may hold events without it, so call it
    /// until it gives nil.
    public var descriptor: Int32 { socket.descriptor }

    /// - Parameter receiveBuffer: in bytes; a burst of a thousand interfaces takes a few megabytes.
    public init(receiveBuffer: Int = 8 << 20) throws(NetlinkError) {
        // First listen, then look: what happens between is told twice rather than never.
        socket = try NetlinkSocket(groups: [Int(RTNLGRP_LINK.rawValue)], receiveBuffer: Int32(clamping: receiveBuffer))
        for link in try Link.all() {
            links[link.index] = link
            settings[link.index] = BridgePort(link)?.settings.withoutState
        }
    }

    /// The next event, waiting for one if need be.
    ///
    /// - Parameter timeoutMilliseconds: how long to wait at most; 0 not at all, nil for ever.
    /// - Returns: nil if nothing happened in that time.
    public func next(timeoutMilliseconds: Int?) throws(NetlinkError) -> Event? {
        let deadline = timeoutMilliseconds.map { ContinuousClock.now + .milliseconds($0) }
        while pending.isEmpty {
            guard try waitForMessages(until: deadline) else { return nil }
            do throws(NetlinkError) {
                for reply in try socket.receive(for: Self.request, flags: Int32(MSG_DONTWAIT)) { take(reply) }
            } catch  where error.errno == ENOBUFS {
                pending.append(.overrun)
                try compareWithAll()
            } catch  where error.errno == EAGAIN {
                continue
            }
        }
        return pending.popFirst()
    }

    private func waitForMessages(until deadline: ContinuousClock.Instant?) throws(NetlinkError) -> Bool {
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
                milliseconds = Int32(min(max(left.rounded(.up), 0), 1e9))
            }
            var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, milliseconds)
            if ready > 0 { return true }
            if ready == 0 { return false }
            guard errno == EINTR else { throw Self.request.failure(.errno(errno, kernelMessage: nil)) }
        }
    }

    private func take(_ reply: NetlinkReply) {
        guard let header = reply.header(ifinfomsg.self), let link = Link(reply) else { return }
        // Each change of a bridge's ports is also told with family AF_BRIDGE, before or after and with less in it; how the
        // bridge treats the port is told with that alone.
        guard Int32(header.ifi_family) == AF_UNSPEC else { return takeSettings(reply, of: link.index) }
        if Int(reply.type) == RTM_DELLINK { remove(link.index) } else { update(link) }
    }

    private func takeSettings(_ reply: NetlinkReply, of index: InterfaceIndex) {
        guard Int(reply.type) == RTM_NEWLINK, let information = reply.attributes(after: ifinfomsg.self)[Int(IFLA_PROTINFO)] else { return }
        note(BridgePort.Settings(information.nested).withoutState, of: index)
    }

    private func note(_ present: BridgePort.Settings?, of index: InterfaceIndex) {
        let former = settings[index]
        settings[index] = present
        guard let former, let present, former != present, let link = links[index] else { return }
        pending.append(.portChanged(link, present))
    }

    private func compareWithAll() throws(NetlinkError) {
        let present = try Link.all()
        let indexes = Set(present.map(\.index))
        for index in links.keys.filter({ !indexes.contains($0) }).sorted() { remove(index) }
        for link in present {
            update(link)
            note(BridgePort(link)?.settings.withoutState, of: link.index)
        }
    }

    private func remove(_ index: InterfaceIndex) {
        settings[index] = nil
        guard let old = links.removeValue(forKey: index) else { return }
        if let bridge = old.bridge { pending.append(.left(old, bridge: bridge)) }
        pending.append(.gone(old))
    }

    private func update(_ link: Link) {
        guard let old = links.updateValue(link, forKey: link.index) else {
            pending.append(.appeared(link))
            if let bridge = link.bridge { pending.append(.joined(link, bridge: bridge)) }
            return
        }
        guard old != link else { return }
        if old.bridge != link.bridge {
            // A port is born anew with each bridge.
            settings[link.index] = nil
            if let bridge = old.bridge { pending.append(.left(link, bridge: bridge)) }
            if let bridge = link.bridge { pending.append(.joined(link, bridge: bridge)) }
        }
        if old.ownProperties != link.ownProperties { pending.append(.changed(from: old, to: link)) }
    }
}

extension BridgePort.Settings {
    /// Without what the spanning tree changes by itself.
    fileprivate var withoutState: Self {
        var settings = self
        settings.state = nil
        return settings
    }
}
