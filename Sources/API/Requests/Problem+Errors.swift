import Datapath
import Enforcement
import EventStore
import Glibc
import HTTPTypes
import Hummingbird
import Netlink
import PolicyText
import Reporting

extension Problem {
    /// What an error comes to that was thrown while a request was answered.
    init(_ error: any Error) {
        switch error {
        case let error as Problem: self = error
        case let error as ConfigurationErrors:
            self = .notTaken("the agent's policy has errors, and what is in force stays as it is: correct them", error.errors)
        case let error as EnforcementError: self.init(error)
        case let error as DatapathError: self.init(error)
        case let error as NetlinkError: self.init(error)
        case let error as EventStoreError: self = .unavailable(error.description)
        case let error as Failure: self = .refused(error.description)
        case let error as any HTTPResponseError: self = Problem(error.status, error.status.reasonPhrase, "the request can't be read")
        default: self = .failed("\(error)")
        }
    }

    private init(_ error: EnforcementError) {
        switch error {
        case .refused(let why): self = .refused(why)
        case .datapath(let error): self.init(error)
        case .network(let error): self.init(error)
        }
    }

    private init(_ error: NetlinkError) {
        switch error.cause {
        case .errno(ENODEV, _): self = .notFound(error.description)
        case .invalid: self = .malformed(error.description)
        default: self = .failed(error.description)
        }
    }

    private init(_ error: DatapathError) {
        switch error {
        case .notLoaded, .superseded, .layout, .otherNetwork: self = .unavailable(error.description)
        case .mapFull, .noSlot, .unfit: self = .refused(error.description)
        case .notGuarded: self = .notFound(error.description)
        case .network(let error): self.init(error)
        default: self = .failed(error.description)
        }
    }

    static func failed(_ detail: String) -> Problem { Problem(.internalServerError, "Failed", detail) }
}
