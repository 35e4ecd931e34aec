import Addresses

extension Rule {
    /// A rule as its tool lists it; nil for one that the article doesn't have.
    ///
    /// - Parameter words: what follows `-A FORWARD` in `iptables -S` or `ip6tables -S`, or a line of `arptables -n -L`.
    init?(listed words: [Substring], by filter: Filter) {
        guard let options = Self.options(words), options["-j"] == "ACCEPT" else { return nil }
        var rest = options
        rest["-j"] = nil
        switch filter {
        case .arptables: self.init(arp: rest)
        case .iptables, .ip6tables:
            guard rest.removeValue(forKey: "-m") == "physdev" else { return nil }
            self.init(packets: rest, filter)
        }
    }

    /// Each option with its value. Anything else, such as a `!`, and no rule of the article has that: nil.
    private static func options(_ words: [Substring]) -> [Substring: Substring]? {
        guard words.count.isMultiple(of: 2) else { return nil }
        var options: [Substring: Substring] = [:]
        for place in stride(from: 0, to: words.count, by: 2) {
            guard words[place].first == "-", options.updateValue(words[place + 1], forKey: words[place]) == nil else { return nil }
        }
        return options
    }

    private init?(arp options: [Substring: Substring]) {
        let (from, to) = (options["-i"].map(String.init), options["-o"].map(String.init))
        switch (options["--opcode"], options.count) {
        case ("1", 2):
            if let from { self = .requestsFrom(port: from) } else if let to { self = .requestsTo(port: to) } else { return nil }
        case ("2", 3):
            guard let from, let to else { return nil }
            self = .repliesTo(port: to, uplink: from)
        case ("2", 4):
            guard let from, let address = options["-s"].flatMap({ IPv4Prefix(String($0)) }),
                let mac = options["--src-mac"].flatMap({ MACAddress(String($0)) })
            else { return nil }
            self = .repliesFrom(port: from, address: address, mac: mac)
        default: return nil
        }
    }

    private init?(packets options: [Substring: Substring], _ filter: Filter) {
        let (from, to) = (options["--physdev-in"].map(String.init), options["--physdev-out"].map(String.init))
        guard let to, let text = options["-d"] ?? options["-s"], let address = IPPrefix(String(text)) else { return nil }
        switch (from, options["-d"] != nil, options.count) {
        case (nil, true, 2): self = .delivery(port: to, address: address)
        case (let from?, false, 3): self = .departure(port: from, uplink: to, address: address)
        default: return nil
        }
        guard self.filter == filter else { return nil }
    }
}
