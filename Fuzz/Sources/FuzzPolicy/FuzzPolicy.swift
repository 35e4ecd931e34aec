import PolicyText
import Fuzzing

@main enum FuzzPolicy {
    static func main() {
        fuzz { data, size in
            readPolicy(bytes(data, size))
            return 0
        }
    }
}

/// Any bytes are a policy, or say why they aren't; what was read can be written and read again.
private func readPolicy(_ input: [UInt8]) {
    do throws(ConfigurationErrors) {
        let configuration = try PolicyFiles.parse(input, file: "fuzz.yaml")
        do throws(ConfigurationErrors) {
            let again = try PolicyFiles.parse(PolicyWriter.yaml(for: configuration), file: "written.yaml")
            precondition(again.policy.bridges == configuration.policy.bridges, "what was written reads the same")
            precondition(Set(again.policy.interfaces) == Set(configuration.policy.interfaces), "what was written reads the same")
            precondition(again.stampBit == configuration.stampBit, "what was written reads the same")
        } catch {
            preconditionFailure("what was written is a policy: \(error)")
        }
    } catch {
        precondition(!error.errors.isEmpty, "a refusal says why")
        let shown = error.description.unicodeScalars
        precondition(
            shown.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }, "no message steers a terminal")
    }
}
