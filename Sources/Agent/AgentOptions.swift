import API
import Datapath
import EventStore

/// How an agent is to run.
public struct AgentOptions: Sendable {
    /// Where programs and maps are pinned.
    public var pins: PinFolder
    /// A file or a folder.
    public var policyPath: String
    /// Keeps what must outlive the agent: the store of events.
    public var state: StateFolder
    /// How much of what happened is kept.
    public var eventLimits = EventLimits()
    /// Keeps what must not: the API's socket.
    public var runFolder: String
    /// The group whose members may use the API's socket.
    public var group = APIConfiguration.defaultGroup
    /// Where the API listens by TCP, too; nil: nowhere.
    public var listen: ListenAddress?
    /// The file with the token that whoever asks by TCP has to show.
    public var tokenFile: String?
    /// Makes what is asked of who is behind ports that the policy doesn't name; nil: nobody is.
    public var guests: (@Sendable () throws -> any GuestSource)?
    /// Between two inspections of the whole host.
    public var interval: Duration = .seconds(10)

    public init(pins: PinFolder, policyPath: String, state: StateFolder, runFolder: String) {
        self.pins = pins
        self.policyPath = policyPath
        self.state = state
        self.runFolder = runFolder
    }
}
