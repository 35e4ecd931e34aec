extension String {
    /// As one word of a shell's command line.
    var shellWord: String {
        let plain =
            !isEmpty
            && utf8.allSatisfy { ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || "-_./:,=+@%^".utf8.contains($0) }
        return plain ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension ClosedRange<Character> {
    fileprivate func contains(_ byte: UInt8) -> Bool { contains(Character(UnicodeScalar(byte))) }
}

extension [String] {
    /// As a shell's command line.
    var commandLine: String { map(\.shellWord).joined(separator: " ") }
}
