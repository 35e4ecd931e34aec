import NIOCore
import Synchronization

/// Counts connections and keeps them within bounds: no single user or address takes all there are.
final class ConnectionGate: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var byAccount: [String: Int] = [:]
        var isClosing = false
    }

    private let state = Mutex(State())
    private let most: Int
    private let mostEach: Int

    init(_ limits: APILimits) {
        most = limits.connections
        mostEach = limits.connectionsEach
    }

    /// Lets a connection in, until it is closed; false if there are too many.
    func admit(_ channel: any Channel, _ peer: Peer) -> Bool {
        let key = ObjectIdentifier(channel)
        let account = peer.account
        let isAdmitted = state.withLock { state in
            guard !state.isClosing, state.channels.count < most, state.byAccount[account, default: 0] < mostEach else { return false }
            state.channels[key] = channel
            state.byAccount[account, default: 0] += 1
            return true
        }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { _ in self.leave(key, account) }
        return true
    }

    private func leave(_ key: ObjectIdentifier, _ account: String) {
        state.withLock { state in
            guard state.channels.removeValue(forKey: key) != nil else { return }
            let others = state.byAccount[account, default: 1] - 1
            state.byAccount[account] = others > 0 ? others : nil
        }
    }

    /// Lets no more in, and tells those that are there to come to an end.
    func close() {
        for channel in shut() { channel.pipeline.fireUserInboundEventTriggered(ConnectionDeadlines.Ending()) }
    }

    /// Ends those that are still there.
    func cut() {
        for channel in shut() { channel.close(promise: nil) }
    }

    private func shut() -> [any Channel] {
        state.withLock { state in
            state.isClosing = true
            return Array(state.channels.values)
        }
    }
}
