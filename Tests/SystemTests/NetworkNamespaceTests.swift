import Glibc
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct NetworkNamespaceTests {
    @Test func `a new namespace holds nothing but its loopback, which is up`() throws {
        let namespace = try NetworkNamespace()
        let links = try namespace.run { try Link.all() }
        // Kernels with built-in tunnels add fallback devices ("sit0"), all of them down.
        #expect(links.filter(\.isUp).map(\.name) == ["lo"])
        #expect(links.contains { $0.name == "lo" && $0.isLoopback })
    }

    @Test func `an interface made inside isn't seen outside, nor in /sys of other namespaces`() throws {
        let inside = try NetworkNamespace()
        let outside = try NetworkNamespace()
        try inside.run { try Link.create("only-here", .veth()) }
        #expect(try inside.run { access("/sys/class/net/only-here", F_OK) } == 0)
        #expect(try outside.run { access("/sys/class/net/only-here", F_OK) } != 0)
        #expect(access("/sys/class/net/only-here", F_OK) != 0)
        #expect(throws: NetlinkError.self) { try outside.run { try Link.named("only-here") } }
    }

    @Test func `a namespace has a bpffs of its own, which isn't mounted outside`() throws {
        let namespace = try NetworkNamespace()
        let folder = "/sys/fs/bpf/only-in-\(getpid())"
        #expect(try namespace.run { mkdir(folder, 0o700) } == 0)
        #expect(access(folder, F_OK) != 0)
    }

    @Test func `what a job throws reaches the caller with its type`() throws {
        let namespace = try NetworkNamespace()
        let error = #expect(throws: NetlinkError.self) { try namespace.run { try Link.named("nobody") } }
        #expect(error?.errno == ENODEV)
        #expect(error?.description.contains("nobody") == true)
    }

    @Test func `a job may run another in the same namespace`() throws {
        let namespace = try NetworkNamespace()
        #expect(try namespace.run { try namespace.run { 42 } } == 42)
    }

    @Test func `bridges in a new namespace call no iptables`() throws {
        let namespace = try NetworkNamespace()
        let settings = try namespace.run {
            try Link.create("br0", .bridge); return try Bridge.named("br0").settings
        }
        #expect(settings.callsIPTables != true)
        for table in ["iptables", "ip6tables", "arptables"] {
            let value = try namespace.execute(["cat", "/proc/sys/net/bridge/bridge-nf-call-\(table)"])
            #expect(value.output == "0\n" || !value.succeeded)
        }
    }

    @Test func `many tasks may use many namespaces at once`() async throws {
        let namespaces = try (0..<8).map { try NetworkNamespace("lab \($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let namespace = namespaces[number % namespaces.count]
                    try namespace.run { try Link.create("d\(number)", .veth()) }
                    let names = try namespace.run { try Link.all().map(\.name) }
                    #expect(names.contains("d\(number)"))
                }
            }
            try await group.waitForAll()
        }
        for (place, namespace) in namespaces.enumerated() {
            let made = try namespace.run { try Link.all().map(\.name).filter { $0.hasPrefix("d") } }
            #expect(Set(made) == Set(stride(from: place, to: 64, by: 8).map { "d\($0)" }))
        }
    }

    @Test func `a namespace goes with its last reference, and no thread or descriptor stays`() throws {
        var namespace: NetworkNamespace? = try NetworkNamespace()
        let path = "/proc/self/fd/\(try #require(namespace).descriptor)"
        // Held open, so that no namespace made meanwhile is given the same number.
        let held = dup(try #require(namespace).descriptor)
        defer { close(held) }
        let name = try #require(Self.target(of: path))
        #expect(name.hasPrefix("net:["))
        namespace = nil
        #expect(Self.target(of: path) != name)
        for thread in try Self.entries(of: "/proc/self/task") {
            #expect(Self.target(of: "/proc/self/task/\(thread)/ns/net") != name)
        }
    }

    private static func target(of path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = buffer.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
        return length < 0 ? nil : String(decoding: buffer[..<length], as: UTF8.self)
    }

    private static func entries(of folder: String) throws -> [String] {
        let stream = try #require(opendir(folder))
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { !$0.hasPrefix(".") }
    }
}
