import Enforcement
import Foundation
import HTTPTypes
import Hummingbird
import Policy
import PolicyText
import Reporting

extension API {
    /// One port at a time, as hot-plug scripts do.
    var portRoutes: [Route] {
        [Route(.post, "/v1/ports/{port}/attach", attach), Route(.post, "/v1/ports/{port}/detach", detach)]
    }

    @Sendable private func attach(_ call: Call) async throws -> Response {
        _ = try call.query()
        let port = try call.parameter("port")
        let body = try await body(call, types: JSONText.mediaType)
        let interface = try AttachBody(body.bytes, port: port).interface
        let report = try await lanes.changes.run {
            let bridge = try bridgePolicy(interface.bridge)
            return try Hotplug.attach(port, to: bridge, interface.binding, datapath: try datapath())
        }
        return try finish(report, "attach \(port) to \(interface.bridge) for guest \(interface.binding.guest)", asked: call.peer)
    }

    /// The bridge's subnets, and whether it isolates guests. Without knowing, a port of a bridge that does would be opened
    /// to its neighbours.
    private func bridgePolicy(_ name: String) throws -> BridgePolicy {
        guard let found = try ownPolicy().policy.bridges.first(where: { $0.name == name }) else {
            throw Problem.refused("the agent's policy doesn't name bridge \(name): name the bridge there, or give one that it names")
        }
        return found
    }

    @Sendable private func detach(_ call: Call) async throws -> Response {
        _ = try call.query()
        let port = try call.parameter("port")
        try await Body.none(call.request)
        let report = try await lanes.changes.run { try Hotplug.detach(port, datapath: try datapath()) }
        return try finish(report, "detach \(port)", asked: call.peer)
    }
}

/// A guest's binding in JSON: what `StatedInterface` has, and the guest's name. The port is in the path.
struct AttachBody {
    let interface: GuestInterface

    init(_ bytes: [UInt8], port: String) throws(Problem) {
        var (fields, guest) = try Self.fields(bytes, port: port)
        fields["port"] = port
        guard let whole = try? JSONSerialization.data(withJSONObject: fields) else { throw .malformed("the body isn't JSON") }
        let stated = try JSONText.value(StatedInterface.self, from: Array(whole))
        guard !stated.macs.isEmpty else {
            throw .notTaken("a binding needs the guest's MAC: give macs, such as [\"00:16:3e:38:b4:ac\"]")
        }
        guard !stated.addresses.isEmpty || stated.linkLocal?.addresses?.isEmpty == false else {
            throw .notTaken("a binding needs the guest's addresses: give addresses, such as [\"192.0.2.1\"] or [\"dhcp\"]")
        }
        do throws(ConfigurationErrors) {
            interface = try stated.interface(guest: guest, origin: .manual).interface
        } catch {
            throw .notTaken(error.withoutPlaces, error.errors)
        }
    }

    private static func fields(_ bytes: [UInt8], port: String) throws(Problem) -> (fields: [String: Any], guest: String?) {
        guard var fields = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else {
            throw .malformed("the body isn't a JSON object")
        }
        let guest = fields.removeValue(forKey: "guest")
        guard guest == nil || guest is String else { throw .malformed("the body's \"guest\" must be a string") }
        if let other = fields["port"], other as? String != port { throw .malformed("the body's \"port\" isn't the path's: leave it out") }
        return (fields, guest as? String)
    }
}
