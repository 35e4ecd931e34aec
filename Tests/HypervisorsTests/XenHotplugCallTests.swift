import Hypervisors
import Testing

/// What Xen's toolstack calls with.
@Suite struct XenHotplugCallTests {
    @Test func `a vif goes online and offline, a tap is added and removed`() throws {
        let online = try XenHotplugCall.read(["online", "type_if=vif"], ["XENBUS_PATH": "backend/vif/7/1", "vif": "vif7.1"])
        #expect(online?.action == .online && online?.device == .vif && online?.domain == 7 && online?.number == 1)
        #expect(online?.port == "vif7.1" && online?.backend == "backend/vif/7/1")
        let absolute = try XenHotplugCall.read(["offline"], ["XENBUS_PATH": "/local/domain/0/backend/vif/7/1"])
        #expect(absolute?.action == .offline && absolute?.backend == "/local/domain/0/backend/vif/7/1")
        let added = try XenHotplugCall.read(["add", "type_if=tap"], ["INTERFACE": "vif7.1-emu", "vif": "nonsense"])
        #expect(added?.action == .online && added?.port == "vif7.1-emu" && added?.backend == "backend/vif/7/1")
        let removed = try XenHotplugCall.read(["remove", "type_if=tap"], ["INTERFACE": "vif7.1-emu", "XENBUS_PATH": "backend/vif/7/1"])
        #expect(removed?.action == .offline && removed?.device == .tap)
    }

    @Test(arguments: [["online", "type_if=tap"], ["offline", "type_if=tap"], ["add", "type_if=vif"], ["add"], ["remove"]])
    func `the other combinations mean nothing`(_ words: [String]) throws {
        #expect(try XenHotplugCall.read(words, [:]) == nil)
    }

    @Test(arguments: [
        ([], [:], "no action"), (["up"], [:], "up: Xen calls"), (["online", "type_if=eth"], [:], "type_if=eth"),
        (["online"], ["vif": "vif7.0"], "XENBUS_PATH isn't set"), (["online"], ["XENBUS_PATH": "backend/vbd/7/0"], "not such as"),
        (["online"], ["XENBUS_PATH": "backend/vif/7/0/../../../8"], "not such as"), (["online"], ["XENBUS_PATH": "backend/vif/07/0"], "not such as"),
        (["online"], ["XENBUS_PATH": "backend/vif/0/0"], "not such as"), (["online"], ["XENBUS_PATH": "backend/vif/32752/0"], "not such as"),
        (["online"], ["XENBUS_PATH": "/backend/vif/7/0"], "not such as"), (["online"], ["XENBUS_PATH": "backend/vif/7/-1"], "not such as"),
        (["online"], ["XENBUS_PATH": "backend/vif/7/0", "vif": "vif8.0"], "two cards"),
        (["online"], ["XENBUS_PATH": "backend/vif/7/0", "vif": "eth0"], "not such as"),
        (["add", "type_if=tap"], [:], "INTERFACE isn't set"), (["add", "type_if=tap"], ["INTERFACE": "vif7.0"], "not such as"),
        (["add", "type_if=tap"], ["INTERFACE": "vif7.0-emu", "XENBUS_PATH": "backend/vif/8/0"], "two cards"),
    ])
    func `what is missing or contradicts itself is said`(_ words: [String], _ environment: [String: String], _ why: String) {
        let error = #expect(throws: CardError.self) { try XenHotplugCall.read(words, environment) }
        #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
    }
}
