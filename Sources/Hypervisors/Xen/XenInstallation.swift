import Foundation
import Reporting

/// The script that Xen's toolstack calls, and its being the default: what of Vifguard is among Xen's own files.
public struct XenInstallation: Sendable {
    public static let scriptName = "vif-vifguard"

    private let script: URL
    private let configuration: URL

    /// - Parameter root: the folder that the host's root is at; empty: the root.
    public init(root: String = "") {
        script = URL(filePath: "\(root)/etc/xen/scripts/\(Self.scriptName)")
        // What an operator's own link leads to is what is changed.
        configuration = URL(filePath: "\(root)/etc/xen/xl.conf").resolvingSymlinksInPath()
    }

    /// What would be changed, or was.
    public struct Changes: Sendable, Hashable, Encodable {
        /// The script, where it is written or removed.
        public var script: String?
        public var configuration: String
        /// Of the configuration, with `-` or `+` in front.
        public var lines: [String]

        public var isEmpty: Bool { script == nil && lines.isEmpty }
    }

    /// - Parameter source: the script's text.
    /// - Throws: `CardError` where there is no Xen here, or its files can't be read.
    public func planInstall(_ source: String) throws(CardError) -> Changes {
        guard Self.exists(script.deletingLastPathComponent()) else {
            throw CardError("there is no folder \(script.deletingLastPathComponent().path): install Xen first, as by 'apt install xen-system-amd64'")
        }
        let present = try read(configuration) ?? ""
        let lines = XLConfiguration(present).changes(to: XLConfiguration(present).installed)
        let isThere =
            FileManager.default.contents(atPath: script.path) == Data(source.utf8) && FileManager.default.isExecutableFile(atPath: script.path)
        return Changes(script: isThere ? nil : script.path, configuration: configuration.path, lines: lines)
    }

    /// Writes the script, and only then names it: the toolstack never looks for one that isn't there.
    public func install(_ source: String) throws(CardError) -> Changes {
        let changes = try planInstall(source)
        if changes.script != nil { try write(Data(source.utf8), to: script, mode: 0o755) }
        if !changes.lines.isEmpty {
            try write(Self.bytes(XLConfiguration(try read(configuration) ?? "").installed.text), to: configuration, mode: 0o644)
        }
        return changes
    }

    /// Undoes `install`; what isn't there is fine.
    public func uninstall() throws(CardError) -> Changes {
        var changes = Changes(script: nil, configuration: configuration.path, lines: [])
        if let text = try read(configuration) {
            let before = XLConfiguration(text)
            changes.lines = before.changes(to: before.uninstalled)
            if !changes.lines.isEmpty { try write(Self.bytes(before.uninstalled.text), to: configuration, mode: 0o644) }
        }
        if Self.exists(script) {
            do { try FileManager.default.removeItem(at: script) } catch { throw CardError("\(script.path.visible) can't be removed: \(error)") }
            changes.script = script.path
        }
        return changes
    }

    private static func exists(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }

    /// A character a byte, whatever its comments are written in: what isn't ours stays as it is.
    private func read(_ file: URL) throws(CardError) -> String? {
        guard Self.exists(file) else { return nil }
        do {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: try Data(contentsOf: file).lazy.map { Unicode.Scalar($0) })
            return String(text)
        } catch {
            throw CardError("\(file.path.visible) can't be read: \(error)")
        }
    }

    private static func bytes(_ text: String) -> Data { Data(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) }

    /// In one step: nobody ever reads half a file.
    private func write(_ bytes: Data, to file: URL, mode: Int) throws(CardError) {
        let manager = FileManager.default
        let former = try? manager.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        let new = file.deletingLastPathComponent().appending(path: ".\(file.lastPathComponent).vifguard")
        do {
            try bytes.write(to: new)
            try manager.setAttributes([.posixPermissions: mode == 0o755 ? mode : former ?? mode], ofItemAtPath: new.path)
            guard rename(new.path, file.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            try? manager.removeItem(at: new)
            throw CardError("\(file.path.visible) can't be written: \(error)")
        }
    }
}
