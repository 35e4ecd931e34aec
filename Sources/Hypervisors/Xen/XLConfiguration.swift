/// The toolstack's own configuration, /etc/xen/xl.conf (xl.conf(5)), as far as its default script for network cards goes.
/// Text in, text out: whatever else it says stays as it is.
public struct XLConfiguration: Sendable, Hashable {
    public var text: String

    public init(_ text: String) { self.text = text }

    static let key = "vif.default.script"
    static let setting = "\(key)=\"\(XenInstallation.scriptName)\""
    /// In front of a line that was in force before.
    static let mark = "#vifguard: "
    private static let remark = "# Written by 'vifguard install --xen', and taken away by 'vifguard uninstall'."

    /// With our script as the default; what said otherwise is kept as a comment.
    public var installed: XLConfiguration {
        guard !isInstalled else { return self }
        var lines = uninstalled.lines.map { Self.isSetting($0) ? Self.mark + $0 : $0 }
        if lines.last == "" { lines.removeLast() }
        return XLConfiguration((lines + [Self.remark, Self.setting, ""]).joined(separator: "\n"))
    }

    /// As it was before `installed`.
    public var uninstalled: XLConfiguration {
        let former = lines.map { $0.hasPrefix(Self.mark) ? String($0.dropFirst(Self.mark.count)) : $0 }
        return XLConfiguration(former.filter { $0 != Self.remark && $0 != Self.setting }.joined(separator: "\n"))
    }

    /// Whether our script is the default: the last of several assignments counts.
    public var isInstalled: Bool { lines.last(where: Self.isSetting) == Self.setting }

    /// By scalars: to a String the two of CR LF are one character.
    private var lines: [String] { text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) } }

    private static func isSetting(_ line: String) -> Bool {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].trimmed == key
    }

    /// The lines that differ, those of this one with `-` and those of the other with `+` in front.
    public func changes(to other: XLConfiguration) -> [String] {
        let difference = other.lines.difference(from: lines)
        return difference.removals.map { "- \($0.element)" } + difference.insertions.map { "+ \($0.element)" }
    }
}

extension CollectionDifference.Change {
    fileprivate var element: ChangeElement {
        switch self {
        case .insert(_, let element, _), .remove(_, let element, _): element
        }
    }
}
