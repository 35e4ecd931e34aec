import Glibc
import Foundation

/// The file by which libvirt calls `vifguard hook libvirt`. libvirt's daemon looks for hooks when it starts.
public enum LibvirtHookFile {
    static let path = "/etc/libvirt/hooks/qemu.d/vifguard"
    private static let mark = "# Made by 'vifguard install'"

    /// What is in it.
    ///
    /// - Parameter program: the command's absolute path.
    /// - Throws: `CardError` for a path that a shell would take for more than a word.
    static func script(program: String) throws(CardError) -> String {
        let isPlain =
            program.hasPrefix("/")
            && program.unicodeScalars.allSatisfy { letter in
                letter.isASCII && (letter.properties.isAlphabetic || letter.properties.numericType != nil || "/._-+".unicodeScalars.contains(letter))
            }
        guard isPlain else {
            throw CardError("\(program.debugDescription) can't be called from a hook: install the command in /usr/sbin or /usr/local/sbin")
        }
        return """
            #!/bin/sh
            \(mark): binds the ports of guests before they run. See vifguard-hook(8).
            PATH=/usr/sbin:/usr/bin:/sbin:/bin
            export PATH
            \(program) hook libvirt -- "$@"
            status=$?
            # libvirt kills a running guest where this one fails, whatever for.
            if [ "$2" = reconnect ]; then exit 0; fi
            exit $status

            """
    }

    /// Puts the hook where libvirt looks for it.
    ///
    /// - Parameters:
    ///   - root: before `/etc`; empty for the host itself.
    ///   - program: the command's absolute path on that host.
    /// - Returns: what was changed; nil if it is there already. libvirt's daemon must be restarted to see it.
    /// - Throws: `CardError` if another file has its name, or it can't be written.
    public static func install(root: String = "", program: String) throws(CardError) -> String? {
        let file = root + path
        let text = try script(program: program)
        if let present = try contents(of: file) {
            guard present.contains(mark) else { throw CardError("\(file) is somebody else's: move it away first") }
            if present == text, access(file, X_OK) == 0 { return nil }
        }
        do {
            let folder = URL(filePath: file).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            // libvirt may call it at any moment: it is there whole, or not at all. Whatever lies beside it is called, too.
            let draft = folder.deletingLastPathComponent().appending(path: ".vifguard").path
            try text.write(toFile: draft, atomically: false, encoding: .utf8)
            guard chmod(draft, 0o755) == 0, rename(draft, file) == 0 else {
                throw CardError("\(file) can't be written: \(String(cString: strerror(errno)))")
            }
        } catch {
            throw (error as? CardError) ?? CardError("\(file) can't be written: \(error.localizedDescription)")
        }
        return file
    }

    /// Takes it away.
    ///
    /// - Returns: what was removed; nil if it isn't there, or another's file has its name.
    /// - Throws: `CardError` if it can't be read or removed.
    public static func remove(root: String = "") throws(CardError) -> String? {
        let file = root + path
        guard let present = try contents(of: file), present.contains(mark) else { return nil }
        guard unlink(file) == 0 else { throw CardError("\(file) can't be removed: \(String(cString: strerror(errno)))") }
        return file
    }

    private static func contents(of file: String) throws(CardError) -> String? {
        guard access(file, F_OK) == 0 else { return nil }
        return String(decoding: try DomainFile.read(file), as: UTF8.self)
    }
}
