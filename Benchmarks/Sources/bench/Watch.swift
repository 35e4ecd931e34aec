import Addresses
import Foundation
import Lab
import Packets
import Synchronization

/// What became of frames that were sent all the while something was changed, counted one by one.
struct Continuity: Codable {
    let change: String
    let times: Int
    /// Whether a guard was there; without one spoofs arrive, which shows that they would.
    let isGuarded: Bool
    let honest: Int
    let lost: Int
    let spoofs: Int
    let leaked: Int

    var isSound: Bool { lost == 0 && (leaked == 0 || !isGuarded) }
}

/// Guests of a bridge that speak while others see to it, and who hears what arrives: the first one and what is outside speak
/// with each other, the second one speaks from an address that it always has, the third one takes theirs.
final class Watch {
    /// The one whose other addresses may be changed, and its place.
    static let changing = Guest(number: 2)
    static let place = 1
    static let guests = 3

    private let streams: [Stream]
    private let changingCard: FrameSender
    private let ears: [Sniffer]
    /// Since `during` began: what was sent of each frame, and what arrived.
    private var sent: [[UInt8]: Int] = [:]
    private var spoofs: Set<[UInt8]> = []
    private var heard: [[UInt8]: Int] = [:]

    /// - Parameters:
    ///   - network: whose first guests are on the ports that `addPorts` made, in their order.
    ///   - crowd: where the other ends of these are.
    init(_ network: BridgedNetwork, _ crowd: NetworkNamespace) throws {
        let (first, second, third) = (Guest(number: 1), Self.changing, Guest(number: 3))
        func card(_ guest: Guest) throws -> FrameSender { try FrameSender(on: "bulk\(guest.number)", in: crowd) }
        let cards = (try card(first), try card(second), try card(third), try network.outside.sender())
        let toOutside = { (party: Ends.Party, family: Traffic.Family) in Ends(source: party, destination: .outside(family)).frame(family) }
        var wrongMAC = Ends.Party(third, .ipv4), wrongAddress = Ends.Party(third, .ipv4), wrongAddress6 = Ends.Party(third, .ipv6)
        wrongMAC.mac = first.mac
        wrongAddress.address = .v4(first.address4)
        wrongAddress6.address = .v6(second.address6)
        streams = [
            Stream(frame: toOutside(Ends.Party(first, .ipv4), .ipv4), card: cards.0, isHonest: true),
            Stream(frame: Traffic.inbound(to: first, at: .guest).frame, card: cards.3, isHonest: true),
            Stream(frame: toOutside(Ends.Party(second, .ipv6), .ipv6), card: cards.1, isHonest: true),
            Stream(frame: toOutside(wrongMAC, .ipv4), card: cards.2, isHonest: false),
            Stream(frame: toOutside(wrongAddress, .ipv4), card: cards.2, isHonest: false),
            Stream(frame: toOutside(wrongAddress6, .ipv6), card: cards.2, isHonest: false),
        ]
        changingCard = cards.1
        ears = [try network.outside.sniffer(), try Sniffer(on: "bulk\(first.number)", in: crowd)]
    }

    /// Has all of them speak while the change is made so often.
    ///
    /// - Parameter isGuarded: whether the guard is in force all the while; else nobody spoofs, unless it never is.
    func during(
        _ change: String, times: Int = 1, isGuarded: Bool = true, withSpoofs: Bool = true, _ body: (Int) throws -> Void
    ) throws -> Continuity {
        (sent, heard) = ([:], [:])
        let speaking = streams.filter { $0.isHonest || withSpoofs }
        spoofs = Set(speaking.filter { !$0.isHonest }.map(\.frame))
        for ear in ears { try ear.clear() }
        let speech = Speech(speaking)
        do {
            for number in 0..<times {
                try Interruption.check()
                try body(number)
                try listen()
            }
        } catch {
            _ = try? speech.stop()
            throw error
        }
        for (frame, count) in try speech.stop() { sent[frame, default: 0] += count }
        try listenToTheEnd()
        let lost = sent.filter { !spoofs.contains($0.key) }.map { max($0.value - heard[$0.key, default: 0], 0) }
        return Continuity(
            change: change, times: times, isGuarded: isGuarded, honest: sent.filter { !spoofs.contains($0.key) }.values.reduce(0, +),
            lost: lost.reduce(0, +), spoofs: sent.filter { spoofs.contains($0.key) }.values.reduce(0, +),
            leaked: heard.filter { spoofs.contains($0.key) }.values.reduce(0, +))
    }

    /// What a guest may send now must arrive, and what it may no longer must not; to be called within `during`.
    ///
    /// - Parameters:
    ///   - number: of the attempt: no two send the same frames.
    ///   - card: nil: the changing guest's.
    func probe(_ number: Int, from guest: Guest, card: FrameSender? = nil, may new: IPv4Address, mayNot old: IPv4Address) throws {
        for (address, isSpoof) in [(new, false), (old, true)] {
            let ends = Ends(source: Ends.Party(mac: guest.mac, address: .v4(address)), destination: .outside(.ipv4))
            let port = UInt16(20_000 + 2 * number + (isSpoof ? 1 : 0))
            let frame = ends.frame(.ipv4(from: address, to: Outside.address4, .udp(from: 12_345, to: port)))
            if isSpoof { spoofs.insert(frame) }
            for _ in 0..<20 { try (card ?? changingCard).send(frame) }
            sent[frame, default: 0] += 20
        }
    }

    private func listen() throws {
        for ear in ears {
            for frame in try ear.take() { heard[frame.bytes, default: 0] += 1 }
        }
    }

    /// What is late isn't lost.
    private func listenToTheEnd() throws {
        let deadline = ContinuousClock.now + .seconds(2)
        repeat {
            usleep(50_000)
            try listen()
        } while sent.contains { !spoofs.contains($0.key) && heard[$0.key, default: 0] < $0.value } && ContinuousClock.now < deadline
    }
}

/// One frame that is sent again and again.
private struct Stream: Sendable {
    let frame: [UInt8]
    let card: FrameSender
    let isHonest: Bool
}

/// A thread that sends a frame of each stream some two thousand times a second, which any machine can do without losing one.
private final class Speech: Sendable {
    private let streams: [Stream]
    private let isStopped = Atomic(false)
    private let outcome = Mutex<(turns: Int, failure: LabError?)>((0, nil))
    private let ended = DispatchSemaphore(value: 0)

    init(_ streams: [Stream]) {
        self.streams = streams
        let thread = Thread { [self] in
            var turns = 0
            do throws(LabError) {
                while !isStopped.load(ordering: .relaxed) {
                    for stream in streams { try stream.card.send(stream.frame) }
                    turns += 1
                    usleep(400)
                }
                outcome.withLock { $0.turns = turns }
            } catch {
                outcome.withLock { $0.failure = error }
            }
            ended.signal()
        }
        thread.start()
    }

    /// Once, by the one who made it.
    ///
    /// - Returns: how many were sent of each frame.
    func stop() throws -> [[UInt8]: Int] {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
        let (turns, failure) = outcome.withLock { $0 }
        if let failure { throw failure }
        return Dictionary(uniqueKeysWithValues: streams.map { ($0.frame, turns) })
    }
}
