import PolicyText
import Datapath
import EventStore
import Enforcement
import Glibc
import Netlink
import Reporting

extension Output {
    /// Tells people why the command failed.
    static func complain(about error: any Error) {
        if let errors = error as? ConfigurationErrors {
            warn(errors.description)
            warn(wrapped("vifguard: the policy isn't taken, and what is in force stays as it is: correct the above and try again", indent: 4))
        } else {
            warn(wrapped("vifguard: \(error)\(advice(for: error))".visibleLines, indent: 4))
        }
    }

    /// Those who may not are told who may.
    private static func advice(for error: any Error) -> String {
        guard geteuid() != 0, let number = errorNumber(of: error), number == EACCES || number == EPERM else { return "" }
        return ": run as root"
    }

    private static func errorNumber(of error: any Error) -> Int32? {
        switch error {
        case EnforcementError.datapath(let error): errorNumber(of: error)
        case EnforcementError.network(let error), DatapathError.network(let error): error.errno
        case DatapathError.system(_, let number): number.number
        case EventStoreError.system(_, let number): number
        default: nil
        }
    }
}
