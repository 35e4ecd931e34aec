import EventStore
import Foundation
import Glibc

extension AgentState {
    /// What starts guests, if it is there.
    private static let hypervisors = [
        "libvirtd.service", "virtqemud.service", "virtlxcd.service", "virtxend.service", "libvirt-guests.service", "xendomains.service",
        "lxc.service",
        "lxd.service", "incus.service", "pve-guests.service",
    ]

    static func observe(_ folder: StateFolder) async -> AgentState {
        let mayLook = access(folder.path, X_OK) == 0 || errno != EACCES
        return AgentState(isRunning: mayLook ? AgentLock.isHeld(in: folder) : nil, stateFolder: folder.path, service: await service())
    }

    private static func service() async -> Service {
        let first = ((try? String(contentsOfFile: "/proc/1/comm", encoding: .utf8)) ?? "").filter { !$0.isWhitespace }
        guard first == "systemd" else { return .noSystemd }
        let properties = ["-p", "Id", "-p", "LoadState", "-p", "UnitFileState", "-p", "ActiveState", "-p", "Before"]
        switch await Tool("systemctl").run(["show", "--no-pager"] + properties + ["--", unitName] + hypervisors) {
        case .output(let text): return service(in: text)
        case .missing: return .unknown("there is no systemctl")
        case .failed(let reason): return .unknown(reason)
        }
    }

    /// - Parameter text: what `systemctl show` prints of several units: `KEY=VALUE`, and an empty line between two.
    static func service(in text: String) -> Service {
        var units: [[String: String]] = [[:]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { units.append([:]) }
            guard let equals = line.firstIndex(of: "=") else { continue }
            units[units.count - 1][String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        guard let own = units.first(where: { $0["Id"] == unitName }) else { return .unknown("systemctl says nothing of \(unitName)") }
        let installed = units.filter { $0["LoadState"] == "loaded" && $0["Id"] != unitName }.compactMap { $0["Id"] }
        return .unit(
            Unit(
                fileState: own["LoadState"] == "not-found" ? "" : own["UnitFileState"] ?? "", activeState: own["ActiveState"] ?? "",
                before: Set((own["Before"] ?? "").split(separator: " ").map(String.init))),
            hypervisors: installed)
    }
}
