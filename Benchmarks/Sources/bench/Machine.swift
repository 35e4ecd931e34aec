import Foundation

/// What the figures were taken on.
struct Machine: Codable {
    let kernel: String
    let architecture: String
    let processor: String
    let cores: Int
    /// The load average of the minute before: how much others had to do.
    let load: Double
    let date: String

    static func here() -> Machine {
        var name = utsname()
        uname(&name)
        var loads = [0.0]
        getloadavg(&loads, 1)
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = information.split(separator: "\n").first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }
        let processor = model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        return Machine(
            kernel: withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            architecture: withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            processor: processor ?? "unknown", cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)), load: loads[0],
            date: ISO8601DateFormatter().string(from: Date()))
    }
}
