import Datapath
import PolicyText

/// Where the agent's API listens, and what it answers about.
public struct APIConfiguration: Sendable {
    public static let defaultRunFolder = "/run/vifguard"
    public static let defaultGroup = "vifguard"

    public var pins: PinFolder
    /// The policy, a file or a folder.
    public var policyPath: String
    /// The folder that has the store of events.
    public var stateFolder: String
    /// The folder that gets the Unix socket, `api.sock`.
    public var runFolder: String
    /// Whose members may use the Unix socket; where there is no such group, root alone may.
    public var group: String
    /// Where to listen by TCP, too; nil: nowhere.
    public var listen: ListenAddress?
    /// The file with the token that whoever asks by TCP has to show.
    public var tokenFile: String?
    var limits = APILimits()

    /// Nothing by TCP, and the usual places.
    public init(
        pins: PinFolder = PinFolder(), policyPath: String = PolicyFiles.defaultPath, stateFolder: String,
        runFolder: String = defaultRunFolder, group: String = defaultGroup, listen: ListenAddress? = nil, tokenFile: String? = nil
    ) {
        self.pins = pins
        self.policyPath = policyPath
        self.stateFolder = stateFolder
        self.runFolder = runFolder
        self.group = group
        self.listen = listen
        self.tokenFile = tokenFile
    }

    /// The socket's path.
    public var socketPath: String { "\(runFolder)/\(Self.socketName)" }
    static let socketName = "api.sock"
}

/// How much of anything the API takes: what one client asks for must not be felt by another.
struct APILimits: Sendable {
    /// How long a client may take.
    struct Times: Sendable {
        /// From a connection's start to the end of its first request's head.
        var head = Duration.seconds(10)
        /// From the end of a head to the end of the body.
        var body = Duration.seconds(60)
        /// To take in an answer.
        var answer = Duration.seconds(60)
        /// From the end of an answer to the end of the next request's head.
        var idle = Duration.seconds(60)
        /// To close its side once told of the end.
        var end = Duration.seconds(2)
    }

    var times = Times()
    /// Connections at once, and how many of them may be one user's or one address's.
    var connections = 64
    var connectionsEach = 16
    /// Bytes of all bodies that are in memory at once.
    var bodyMemory = 80 << 20
    /// What may wait for one kind of work.
    var waiting = 32

    /// A policy has no more: some 6000 guests' worth, and read at its worst it takes 150 times its own memory (`a,a,a,…`).
    static let body = 1 << 20
    static let framesBody = 64 << 20
    /// Frames that are explained by one request.
    static let frames = 10_000
    /// Of a request's head: one field or the request's target, and all of it.
    static let field = 8 << 10
    static let head = 32 << 10
    static let fields = 64

    init() {}
}
