import ArgumentParser
import Datapath
import Policy
import PolicyText
import Reporting

extension Engine: ExpressibleByArgument {}

extension PolicyOption {
    /// The engine that the policy names, whatever else may be wrong with it.
    var engine: Engine { PolicyFiles.engine(path) }
}

extension PinsOption {
    /// Two engines at once would each cut off what the other lets pass.
    func refuseLoaded() throws {
        do throws(DatapathError) { _ = try open() } catch .notLoaded { return } catch { throw error }
        throw Failure("the programs of the engine ebpf are in force: 'vifguard uninstall --engine ebpf' first, then again")
    }
}
