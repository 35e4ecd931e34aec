import Addresses
import Lab
import Netlink
import Packets
import Policy
import Testing

extension Attack: CustomTestStringConvertible {
    public var testDescription: String { name }
}

/// The catalogue against policy.md's reference evaluator: no root, no kernel.
@Suite("The catalogue of attacks")
struct CatalogueTests {
    /// The bridge, its uplink and every guest's port, numbered as they come.
    private static let indexes: [String: UInt32] = {
        var indexes = [Stage.bridge: UInt32(1), Stage.uplink: 2]
        for (number, site) in Site.guests.enumerated() { indexes[site.port] = UInt32(number + 3) }
        return indexes
    }()

    private static func model() -> GuardModel {
        let places = indexes.map { name, index in
            GuardModel.Place(
                name: name, index: index, bridge: Stage.bridge,
                kind: name == Stage.bridge ? .bridge : name == Stage.uplink ? .uplink : .guest)
        }
        return GuardModel(Stage.policy, places: places, hostAddresses: [Stage.bridge: Stage.hostAddresses])
    }

    /// What is judged on the way from where a frame enters to where the attack is counted.
    private static func judge(_ injection: Injection, at place: CountingPlace, _ model: inout GuardModel, time: UInt64) -> Reason? {
        let frame = Frame(bytes: injection.bytes)
        let entry = CountingPlace.from(injection.site)
        let isJudgedHere = injection.site != .stranger || place == .from(.stranger)
        if isJudgedHere {
            let verdict = model.judge(frame, port: indexes[injection.site.port]!, direction: entry.direction, time: time)
            if place == entry || verdict.isDropped { return place == entry ? verdict.reason : nil }
        }
        return model.judge(
            frame, port: indexes[place.site.port]!, direction: place.direction, stamp: isJudgedHere ? .stamped : .unstamped, time: time
        ).reason
    }

    @Test("names every reason of the policy")
    func coversEveryReason() {
        let covered = Set(Catalogue.attacks.compactMap(\.reason))
        #expect(Reason.allCases.filter { !covered.contains($0) }.isEmpty)
    }

    @Test("calls no two attacks by one name")
    func namesAreUnique() {
        let names = Catalogue.attacks.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(
            names.allSatisfy { $0.utf8.allSatisfy { $0 == 0x2d || $0 == 0x2e || (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) } }
        )
    }

    @Test("breaks the rule that it says it breaks, with every frame", arguments: Catalogue.attacks.filter { $0.reason != nil })
    func reasonIsThePolicys(attack: Attack) {
        var model = Self.model()
        for injection in attack.before {
            let verdict = model.judge(
                Frame(bytes: injection.bytes), port: Self.indexes[injection.site.port]!,
                direction: CountingPlace.from(injection.site).direction, time: 0)
            #expect(verdict.reason == nil, "\(injection) comes from an honest machine")
        }
        var reasons = attack.frames.map { Self.judge($0, at: attack.countedAt, &model, time: 1) }
        for case .floods(_, let more) in attack.effects {
            // Limits let the first ones pass.
            #expect(reasons.prefix { $0 == nil }.count < more)
            reasons.removeAll { $0 == nil }
            #expect(!reasons.isEmpty)
        }
        #expect(reasons.allSatisfy { $0 == attack.reason }, "\(attack.name): \(reasons.first { $0 != attack.reason } as Any)")
    }
}
