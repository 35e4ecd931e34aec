import CLinux
import Glibc

/// One thing asked of the kernel, and the words to say what failed.
public struct NetlinkRequest: Sendable {
    public var message: NetlinkMessage
    /// As it reads after "can't": "set the master of".
    public let action: String
    /// The interface's name, or "interface 7".
    public let interface: String?

    public init(_ message: NetlinkMessage, action: String, interface: String? = nil) {
        self.message = message
        self.action = action
        self.interface = interface
    }

    func failure(_ cause: NetlinkError.Cause) -> NetlinkError {
        NetlinkError(action: action, interface: interface, cause: cause)
    }
}

/// A routing netlink socket (rtnetlink(7)). It speaks for the network namespace its maker's thread was in, wherever
/// it is used afterwards. One thread at a time may use it.
public final class NetlinkSocket {
    let descriptor: Int32
    private var sequence: UInt32 = 0
    /// The kernel fills at most 32 KiB at once when it dumps a table.
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// How many requests go out in one send. Each acknowledgement takes up to a kilobyte of the receive buffer, of
    /// which there are about 200 by default: more at once, and the kernel would throw some away.
    private static let batchSize = 100
    private static let dumpAttempts = 16

    /// - Throws: `NetlinkError` if the kernel gives no socket (EMFILE, EPERM in a sandbox).
    public convenience init() throws(NetlinkError) {
        try self.init(groups: [])
    }

    /// - Parameter groups: multicast groups to hear (RTNLGRP_LINK…).
    init(groups: [Int], receiveBuffer: Int32? = nil) throws(NetlinkError) {
        descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
        guard descriptor >= 0 else {
            throw NetlinkError(action: "open a netlink socket", cause: .errno(errno, kernelMessage: nil))
        }
        // Wishes: an older kernel that knows one of them not serves without.
        setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        if let receiveBuffer { setOption(SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer) }
        guard !groups.isEmpty else { return }
        // Without bind() the socket would join the group and yet hear nothing.
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        let bound = withUnsafeBytes(of: &address) {
            bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        let joined = bound == 0 && groups.allSatisfy { setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, Int32($0)) }
        guard joined else {
            throw NetlinkError(action: "listen to the kernel's netlink groups", cause: .errno(errno, kernelMessage: nil))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Asks for one change and waits for the kernel to acknowledge it.
    public func perform(_ request: NetlinkRequest) throws(NetlinkError) {
        if let error = try performAll([request]).first ?? nil { throw error }
    }

    /// Asks for many changes, with one system call for a hundred of them. The kernel carries out each in order and
    /// goes on after one that failed.
    ///
    /// - Returns: for each request, in order, nil where it was carried out, or why not.
    /// - Throws: `NetlinkError` if the socket itself failed; then it isn't known which requests were carried out.
    public func performAll(_ requests: [NetlinkRequest]) throws(NetlinkError) -> [NetlinkError?] {
        var results = [NetlinkError?](repeating: nil, count: requests.count)
        var start = 0
        while start < requests.count {
            let batch = requests[start..<min(start + Self.batchSize, requests.count)]
            let first = sequence &+ 1
            var bytes: [UInt8] = []
            for request in batch {
                sequence &+= 1
                bytes += request.message.encoded(sequence: sequence, adding: NLM_F_REQUEST | NLM_F_ACK)
            }
            let spokesman = batch[batch.startIndex]
            try send(bytes, for: spokesman)
            var missing = Set(batch.indices)
            while !missing.isEmpty {
                for reply in try receive(for: spokesman) where Int32(reply.type) == NLMSG_ERROR {
                    let place = batch.startIndex + Int(reply.sequence &- first)
                    guard missing.remove(place) != nil else { continue }
                    if let cause = Self.failure(in: reply) { results[place] = requests[place].failure(cause) }
                }
            }
            start = batch.endIndex
        }
        return results
    }

    /// Asks for one thing and gives the kernel's answer (RTM_GETLINK of one interface).
    public func get(_ request: NetlinkRequest) throws(NetlinkError) -> NetlinkReply {
        sequence &+= 1
        try send(request.message.encoded(sequence: sequence, adding: NLM_F_REQUEST), for: request)
        while true {
            for reply in try receive(for: request) where reply.sequence == sequence {
                guard Int32(reply.type) == NLMSG_ERROR else { return reply }
                throw request.failure(Self.failure(in: reply) ?? .malformedAnswer("an acknowledgement where data was due"))
            }
        }
    }

    /// Reads a whole table. If it changed meanwhile (NLM_F_DUMP_INTR) it is read again, so that what is given
    /// was the whole truth at one moment.
    public func dump(_ request: NetlinkRequest) throws(NetlinkError) -> [NetlinkReply] {
        for _ in 0..<Self.dumpAttempts {
            if let replies = try dumpOnce(request) { return replies }
        }
        throw request.failure(.unsteady)
    }

    private func dumpOnce(_ request: NetlinkRequest) throws(NetlinkError) -> [NetlinkReply]? {
        sequence &+= 1
        try send(request.message.encoded(sequence: sequence, adding: NLM_F_REQUEST | Int32(NLM_F_DUMP)), for: request)
        var collected: [NetlinkReply] = []
        var interrupted = false
        while true {
            for reply in try receive(for: request) where reply.sequence == sequence {
                if reply.flags & UInt16(NLM_F_DUMP_INTR) != 0 { interrupted = true }
                switch Int32(reply.type) {
                case NLMSG_DONE, NLMSG_ERROR:
                    if let cause = Self.failure(in: reply) {
                        if case .errno(EINTR, _) = cause { return nil }
                        throw request.failure(cause)
                    }
                    return interrupted ? nil : collected
                default:
                    collected.append(reply)
                }
            }
        }
    }

    /// What an NLMSG_ERROR or NLMSG_DONE says; nil if it says that all went well.
    private static func failure(in reply: NetlinkReply) -> NetlinkError.Cause? {
        guard let code = reply.payload.loadPrefix(Int32.self) else {
            return Int32(reply.type) == NLMSG_DONE ? nil : .malformedAnswer("an error message without a number")
        }
        guard code != 0 else { return nil }
        let number = code == Int32.min ? Int32.max : abs(code)
        // With NETLINK_CAP_ACK the attributes follow the request's header; without, a copy of the request does.
        let tells = UInt16(NLM_F_ACK_TLVS) | UInt16(NLM_F_CAPPED)
        var sentence: String?
        if reply.flags & tells == tells {
            let attributes = reply.attributes(after: nlmsgerr.self)
            sentence = attributes[Int(NLMSGERR_ATTR_MSG.rawValue)]?.string
        }
        return .errno(number, kernelMessage: sentence)
    }

    private func send(_ bytes: [UInt8], for request: NetlinkRequest) throws(NetlinkError) {
        while true {
            let sent = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
            if sent == bytes.count { return }
            if sent < 0, errno == EINTR { continue }
            throw request.failure(.errno(sent < 0 ? errno : EMSGSIZE, kernelMessage: nil))
        }
    }

    /// Waits for the next datagram from the kernel.
    func receive(for request: NetlinkRequest, flags: Int32 = 0) throws(NetlinkError) -> [NetlinkReply] {
        while true {
            var sender = sockaddr_nl()
            var senderSize = socklen_t(MemoryLayout<sockaddr_nl>.size)
            let length = withUnsafeMutableBytes(of: &sender) { sender in
                buffer.withUnsafeMutableBytes {
                    recvfrom(
                        descriptor, $0.baseAddress, $0.count, flags | Int32(MSG_TRUNC),
                        sender.baseAddress!.assumingMemoryBound(to: sockaddr.self), &senderSize)
                }
            }
            if length < 0 {
                if errno == EINTR { continue }
                throw request.failure(.errno(errno, kernelMessage: nil))
            }
            // Any process may send to a netlink socket; port 0 is the kernel.
            guard sender.nl_pid == 0 else { continue }
            guard length <= buffer.count else {
                throw request.failure(.malformedAnswer("a message of \(length) bytes is longer than any should be"))
            }
            guard let replies = NetlinkReply.split(ArraySlice(Array(buffer[..<length]))) else {
                throw request.failure(.malformedAnswer("a length contradicts the bytes that came"))
            }
            return replies
        }
    }

    @discardableResult
    private func setOption(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        withUnsafeBytes(of: value) { setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) } == 0
    }
}
