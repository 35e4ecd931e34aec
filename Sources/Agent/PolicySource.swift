import Enforcement
import Foundation
import Policy
import PolicyText

/// The policy as it was last read without a mistake. One with mistakes changes nothing: what is in force stays.
struct PolicySource {
    let path: String
    /// nil until there was a sound one.
    private(set) var configuration: HostConfiguration?
    /// What is wrong with the one on the disk now; empty if that is the one in force.
    private(set) var problems: [ConfigurationError] = []
    private(set) var index = PlugIndex(HostPolicy())
    private(set) var loaded: Date?
    private var mark: PolicyMark?

    init(path: String) { self.path = path }

    var policy: HostPolicy? { configuration?.policy }

    /// Reads the files if they aren't those read before.
    ///
    /// - Returns: whether they were read.
    mutating func refresh() -> Bool {
        let present = PolicyMark(path)
        guard mark != present else { return false }
        mark = present
        do throws(ConfigurationErrors) {
            let fresh = try PolicyFiles.load(path)
            // What is in force would be left to nobody.
            guard fresh.engine == .ebpf else {
                problems = [
                    ConfigurationError(
                        "the engine can't be changed while the agent runs", at: SourceLocation(file: path),
                        write: "engine: ebpf; or end the agent, 'vifguard uninstall --engine ebpf', and 'vifguard apply'")
                ]
                return true
            }
            configuration = fresh
            problems = []
            index = PlugIndex(fresh.policy)
            loaded = Date()
        } catch {
            problems = error.errors.filter { $0.severity == .error }
        }
        return true
    }

    /// Reads them next time whatever they look like.
    mutating func forget() { mark = nil }

    /// The bridge of that name, as the policy has it.
    func bridge(named name: String) -> BridgePolicy? { policy?.bridges.first { $0.name == name } }
}
