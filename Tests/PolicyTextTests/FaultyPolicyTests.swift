import PolicyText
import Foundation
import Testing

/// Each policy in Faulty/ beside the whole text of what is wrong with it: `name.yaml` and `name.txt`, or for a policy
/// of several files `name/` and `name.txt`.
@Suite struct FaultyPolicyTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Faulty")

    static var names: [String] {
        get throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
        }
    }

    @Test(arguments: try names) func `says all that is wrong, where, and what to write instead`(name: String) throws {
        let expected = try String(contentsOf: Self.folder.appending(path: name + ".txt"), encoding: .utf8)
        #expect(try Self.faults(of: name) == expected)
    }

    @Test func `no faulty policy lacks its text`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { !$0.hasSuffix(".txt") }
        #expect(Set(files.map { $0.hasSuffix(".yaml") ? String($0.dropLast(5)) : $0 }) == Set(try Self.names))
    }

    /// What loading says, a file's name without the way to it.
    static func faults(of name: String) throws -> String {
        var path = folder.appending(path: name).path
        let isFolder = FileManager.default.fileExists(atPath: path)
        if !isFolder { path += ".yaml" }
        do {
            let configuration =
                try isFolder
                ? PolicyFiles.load(path) : PolicyFiles.parse(Array(Data(contentsOf: URL(filePath: path))), file: name + ".yaml")
            return "accepted: \(configuration)"
        } catch let errors as ConfigurationErrors {
            return errors.description.replacing(folder.path + "/", with: "") + "\n"
        }
    }
}
