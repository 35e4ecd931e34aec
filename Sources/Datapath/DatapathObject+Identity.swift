import DatapathProgram

extension DatapathObject {
    /// The layout of maps and records that this build knows (`GUARD_LAYOUT`).
    public static let layout = UInt32(GUARD_LAYOUT)

    /// 16 hexadecimal digits that tell this object's programs from another's.
    public func identity() throws(DatapathError) -> String {
        switch self {
        case .embedded: try Self.embeddedIdentity.get()
        case .file: try identityOfBytes()
        }
    }

    /// Worked out once: whoever asks for `status` or metrics again and again asks for this, too.
    private static let embeddedIdentity = Result { () throws(DatapathError) in try DatapathObject.embedded.identityOfBytes() }

    private func identityOfBytes() throws(DatapathError) -> String { Self.identity(ofDigest: Self.digest(of: try bytes())) }

    static func identity(ofDigest digest: UInt64) -> String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Datapath {
    /// Which object the programs in force come from: `DatapathObject.identity` of it.
    public var programIdentity: String { DatapathObject.identity(ofDigest: ledger.digest) }
}
