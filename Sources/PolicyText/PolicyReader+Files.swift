import Policy

/// What stands at the top of a file.
extension PolicyReader {
    private static let policyKeys = ["bridges", "guests", "defaults", "engine", "stamp-bit", "max-ports"]

    /// `policy.yaml`, or the one file of a policy.
    func readPolicyFile(_ value: YAMLValue, into draft: inout PolicyDraft) {
        // An emptied file must not pass for a policy that guards nothing.
        let example = "bridges: {xenbr0: {uplinks: [eth0]}}"
        guard !value.isNull else {
            faults.report("the policy is empty", at: value.location, write: "\(example), or bridges: {} to guard none")
            return
        }
        guard let fields = fields(value, "the policy", keys: Self.policyKeys, example: example) else { return }
        if let value = fields["bridges"] {
            readBridges(value, into: &draft)
        } else {
            faults.report("the policy has no bridges", at: fields.location, write: "\(example), or bridges: {} to guard none")
        }
        if let value = fields["defaults"] { readDefaults(value, into: &draft) }
        if let value = fields["engine"], let engine = choice(value, "engine", of: Engine.allCases) {
            draft.engine = Located(value: engine, location: fields.location(of: "engine"))
        }
        if let value = fields["stamp-bit"], let bit = number(value, "stamp-bit", in: 16...31, example: "stamp-bit: 30") {
            draft.stampBit = bit
        }
        if let value = fields["max-ports"] {
            let bounds = HostConfiguration.portBounds
            // What is said wrong isn't also said to be too few.
            draft.maximumPorts = number(value, "max-ports", in: bounds, example: "max-ports: 8192") ?? bounds.upperBound
        }
        if let value = fields["guests"] { readGuests(value, into: &draft) }
    }

    /// A file of `guests.d`: `guests:` as in the policy, or one guest, which is called as its file.
    func readGuestFile(_ value: YAMLValue, called name: String, into draft: inout PolicyDraft) {
        if value.isNull {
            faults.warn("the file holds no guest", at: value.location, write: "guests:, or remove the file")
            return
        }
        if case .mapping(let pairs) = value.content, pairs.contains(where: { $0.key.value == "interfaces" }) {
            readGuest(Located(value: name, location: value.location), value, into: &draft)
            return
        }
        var elsewhere: [String: String] = [:]
        for key in Self.policyKeys where key != "guests" { elsewhere[key] = "\(key): in policy.yaml" }
        let example = "guests: and the guests below it"
        guard let fields = fields(value, "a file of guests.d", keys: ["guests"], example: example, elsewhere: elsewhere) else { return }
        if let value = fields["guests"] { readGuests(value, into: &draft) }
    }
}
