/// Lines of Prometheus' text format 0.0.4.
struct MetricsText {
    enum Kind: String { case counter, gauge, summary }

    private(set) var text = ""

    /// A family of samples; without any, nothing is written.
    ///
    /// - Parameters:
    ///   - name: without a suffix that the kind asks for: counters end in `_total` by themselves.
    ///   - help: one line.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [MetricsSample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples { text += "\(name)\(sample.suffix)\(sample.labels.text) \(sample.value)\n" }
    }

    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some MetricsNumber) {
        add(name, kind, help, [MetricsSample(value)])
    }
}

/// A number and what it is about.
struct MetricsSample {
    var suffix = ""
    var labels = MetricsLabels()
    var value: String

    init(_ value: some MetricsNumber, _ labels: MetricsLabels = MetricsLabels(), suffix: String = "") {
        self.value = value.metric
        self.labels = labels
        self.suffix = suffix
    }
}

/// `{bridge="br0",port="vif1.0"}`
struct MetricsLabels: Hashable {
    private(set) var text = ""

    init() {}

    /// - Parameter pairs: names of labels, and values, which may hold anything.
    init(_ pairs: KeyValuePairs<StaticString, String>) {
        text = "{\(pairs.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ","))}"
    }

    /// With more of them behind.
    func adding(_ name: StaticString, _ value: String) -> MetricsLabels {
        var labels = self
        labels.text.removeLast()
        labels.text += ",\(name)=\"\(Self.escaped(value))\"}"
        return labels
    }

    /// A backslash, a quotation mark and the end of a line have escapes of their own; no other character needs one.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5c || $0 == 0x22 || $0 == 0x0a }) else { return value }
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case 0x5c: bytes += [0x5c, 0x5c]
            case 0x22: bytes += [0x5c, 0x22]
            case 0x0a: bytes += [0x5c, UInt8(ascii: "n")]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What a sample's value may be.
protocol MetricsNumber {
    var metric: String { get }
}

extension UInt64: MetricsNumber { var metric: String { String(self) } }
extension Int: MetricsNumber { var metric: String { String(self) } }
extension Bool: MetricsNumber { var metric: String { self ? "1" : "0" } }
extension Double: MetricsNumber { var metric: String { isFinite ? String(self) : "NaN" } }
