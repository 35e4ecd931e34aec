import Agent
import Foundation
import Testing

/// What a service manager hears, at a real socket.
@Suite(.timeLimit(.minutes(10)))
struct ServiceNotifierTests {
    /// The manager's end: a datagram socket at a path, or in the abstract namespace.
    private final class Manager {
        let name: String
        private let descriptor: Int32

        init(abstract: Bool = false) throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "notify-\(UUID().uuidString)").path
            name = abstract ? "@\(path)" : path
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            try #require(descriptor >= 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0[(abstract ? 1 : 0)...].copyBytes(from: Array(path.utf8)) }
            // unix(7): the length says where an abstract name ends.
            let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count + 1)
            let bound = withUnsafeBytes(of: &address) { bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), length) }
            try #require(bound == 0, "\(errno)")
        }

        deinit {
            close(descriptor)
            unlink(name)
        }

        /// What was said since: a message sent over a local socket is there when sending returns.
        func heard() -> [String] {
            var messages: [String] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let length = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                guard length >= 0 else { return messages }
                messages.append(String(decoding: buffer[..<length], as: UTF8.self))
            }
        }
    }

    @Test(arguments: [false, true]) func `each step of its life is one message`(abstract: Bool) throws {
        let manager = try Manager(abstract: abstract)
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        notifier.ready(status: "2 bridges, 40 ports")
        notifier.alive()
        notifier.stopping()
        #expect(manager.heard() == ["READY=1\nSTATUS=2 bridges, 40 ports", "WATCHDOG=1", "STOPPING=1"])
    }

    @Test func `a reload says when it began, by the clock that the manager reads`() throws {
        func now() -> UInt64 { clock_gettime_nsec() / 1000 }
        let manager = try Manager()
        let before = now()
        ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name]).reloading()
        let after = now()
        let lines = try #require(manager.heard().first).split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == "RELOADING=1" && lines[1].hasPrefix("MONOTONIC_USEC="))
        let time = try #require(UInt64(lines[1].dropFirst("MONOTONIC_USEC=".count)))
        #expect((before...after).contains(time))
    }

    private func clock_gettime_nsec() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    @Test func `a status can't make assignments of its own`() throws {
        let manager = try Manager()
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        notifier.ready(status: "guest x\nMAINPID=1\r\u{1b}[2J")
        notifier.ready(status: String(repeating: "x", count: 100_000))
        let heard = manager.heard()
        #expect(heard.first == "READY=1\nSTATUS=guest x MAINPID=1  [2J")
        #expect(heard.last == "READY=1\nSTATUS=" + String(repeating: "x", count: 512))
    }

    @Test func `the watchdog is fed at half its time, if it is ours`() {
        func interval(_ environment: [String: String]) -> Duration? { ServiceNotifier(environment: environment, process: 42).watchdogInterval }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "me"]) == nil)
        for text in ["", "0", "-5", "soon", "99999999999999999999"] { #expect(interval(["WATCHDOG_USEC": text]) == nil, "\(text)") }
        #expect(interval([:]) == nil)
    }

    @Test(arguments: [nil, "", "/", "@", "relative", "/nowhere/socket", "/" + String(repeating: "x", count: 200)])
    func `with no manager, or one that isn't there, nothing happens`(socket: String?) {
        let notifier = ServiceNotifier(environment: socket.map { ["NOTIFY_SOCKET": $0] } ?? [:])
        notifier.ready(status: "fine")
        notifier.reloading()
        notifier.alive()
        notifier.stopping()
    }

    @Test func `a manager that doesn't read keeps nobody waiting`() throws {
        let manager = try Manager()
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        // More than the socket's queue holds (net.unix.max_dgram_qlen); the suite's limit ends it if one of them waits.
        for _ in 0..<10_000 { notifier.alive() }
        #expect(manager.heard().count < 10_000)
    }
}
