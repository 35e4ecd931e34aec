import Addresses
import Glibc
import Netlink
import Packets

/// Why legitimate traffic didn't pass.
struct Undelivered: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What machines of the network say to each other by the kernel's own sockets. Each waits as long as it takes on a busy
/// machine, and throws `Undelivered` if it was in vain.
extension ProofPass {
    static let patience = Duration.seconds(30)
    var patience: Duration { guardian?.patience ?? Self.patience }

    private func socket(
        _ kind: InternetSocket.Kind, _ family: InternetSocket.Family, at site: Site, address: IPAddress? = nil, port: UInt16 = 0
    ) throws -> InternetSocket {
        let card = site == .internet || site == .backend ? "eth0" : network.card(of: site)
        return try network.namespace(of: site).run {
            try InternetSocket(kind, family: family, address: address, port: port, interface: card)
        }
    }

    private static func family(_ address: IPAddress) -> InternetSocket.Family {
        if case .v4 = address { .v4 } else { .v6 }
    }

    /// Nobody knows anybody: the addresses must be asked for, the MACs learned.
    func chill(_ sites: Site...) throws {
        for site in sites where site != .internet && site != .backend { try network.forgetNeighbours(of: site) }
        try network.forgetForwarding()
    }

    /// Sends an echo request, every two seconds, until it is answered.
    ///
    /// - Parameter size: of the data, in bytes: more than a frame takes is sent in fragments.
    func ping(_ site: Site, _ address: IPAddress, from source: IPAddress? = nil, size: Int = 56) throws {
        let family = Self.family(address)
        let socket = try network.namespace(of: site).run { [card = network.card(of: site)] in
            let socket = try InternetSocket(.echo, family: family, interface: card)
            if let source { try socket.speak(as: source) }
            return socket
        }
        let identifier = UInt16.random(in: 1...UInt16.max)
        let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let identity = [UInt8(identifier >> 8), UInt8(identifier & 0xff), 0, 1]
        var sum = InternetChecksum()
        let type: UInt8 = family == .v4 ? 8 : 128
        sum.add([type, 0, 0, 0] + identity + data)
        let checksum = family == .v4 ? [UInt8(sum.value >> 8), UInt8(sum.value & 0xff)] : [0, 0]
        let deadline = ContinuousClock.now + patience
        var again = ContinuousClock.now
        while ContinuousClock.now < deadline {
            // As ping does: a busy machine may lose one, guarded or not.
            if ContinuousClock.now >= again {
                socket.send([type, 0] + checksum + identity + data, to: address)
                again = ContinuousClock.now + .seconds(2)
            }
            guard let datagram = try socket.receive(within: ContinuousClock.now.duration(to: again)) else { continue }
            // A raw IPv4 socket gets the header too.
            let start = family == .v4 ? Int((datagram.bytes.first ?? 0) & 0xf) * 4 : 0
            let message = datagram.bytes.dropFirst(start)
            if message.first == (family == .v4 ? 0 : 129), message.dropFirst(4).elementsEqual(identity + data) { return }
        }
        throw Undelivered("\(site.rawValue) pinged \(address) with \(size) bytes\(source.map { " from \($0)" } ?? ""), and heard nothing")
    }

    /// Opens a connection and sends a quarter of a megabyte each way.
    func talk(_ client: Site, to server: Site, at address: IPAddress, port: UInt16 = 8080) throws {
        let family = Self.family(address)
        let listener = try socket(.stream, family, at: server, port: port)
        try listener.listen()
        let one = try socket(.stream, family, at: client)
        try one.connect(to: address, port: port)
        guard let other = try listener.accept(within: patience) else {
            throw Undelivered("\(client.rawValue) couldn't connect to \(address)")
        }
        let data = (0..<262_144).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for (sender, receiver, who) in [(one, other, client), (other, one, server)] {
            var sent = 0
            var received: [UInt8] = []
            let deadline = ContinuousClock.now + patience
            while received.count < data.count {
                guard ContinuousClock.now < deadline else {
                    throw Undelivered("of \(data.count) bytes from \(who.rawValue) by TCP \(received.count) arrived")
                }
                if sent < data.count { sent += sender.push(data[sent...]) }
                _ = receiver.wait(for: POLLIN, within: .milliseconds(50))
                received += receiver.pull()
            }
            guard received == data else { throw Undelivered("TCP from \(who.rawValue) delivered other bytes than were sent") }
        }
    }

    /// Sends a datagram, perhaps to a group or broadcast address, and waits for it at another machine.
    func tell(_ sender: Site, _ receiver: Site, at address: IPAddress, port: UInt16 = 9000, size: Int = 100) throws {
        let family = Self.family(address)
        let listener = try socket(.datagram, family, at: receiver, port: port)
        let speaker = try socket(.datagram, family, at: sender)
        if address.isMulticast {
            try network.namespace(of: receiver).run { try listener.join(address) }
            speaker.sendGroupsOutOfCard()
        }
        let text = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ Int(port)) }
        // A group is joined once the bridge has heard of it: said again until then, as any sender does.
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            speaker.send(text, to: address, port: port)
            let wait: Duration = address.isMulticast ? .milliseconds(100) : patience
            while let datagram = try listener.receive(within: wait) { if datagram.bytes == text { return } }
        }
        throw Undelivered("a datagram from \(sender.rawValue) to \(address) didn't arrive at \(receiver.rawValue)")
    }

    /// Waits until a frame arrives.
    func expect(at site: Site, _ what: String, _ condition: (Frame) -> Bool) throws {
        let found = try network.sniffer(at: site).first(within: patience) { condition(Frame(bytes: $0.bytes)) }
        guard found != nil else { throw Undelivered("\(what) didn't arrive at \(site.rawValue)") }
    }

    /// Sends a frame and waits for it elsewhere.
    func pass(_ frame: Frame, from sender: Site, at receiver: Site) throws {
        try network.sniffer(at: receiver).clear()
        try network.send(Injection(sender, frame))
        let what = "\(frame) from \(sender.rawValue)"
        try expect(at: receiver, what) { $0.bytes == frame.bytes }
    }
}
