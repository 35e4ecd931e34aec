import Addresses

extension IPv4Header: CustomStringConvertible {
    public var description: String {
        var marks = ""
        if !isWellFormed { marks += "malformed (version \(version), header \(headerLength), total \(totalLength)) " }
        if isFragment { marks += "fragment at \(Int(fragmentOffset) * 8)\(moreFragments ? "+" : "") " }
        let options = options
        if !options.isWhole { marks += "broken options " } else if options.contains(where: \.isSourceRoute) { marks += "source route " }
        let upper = fragmentOffset == 0 ? summary(of: payload, proto: proto) : proto.description
        return "IPv4 \(source) > \(destination): \(marks)\(upper)"
    }
}

extension IPv6Header: CustomStringConvertible {
    public var description: String {
        var marks = isWellFormed ? "" : "malformed (version \(version), payload \(payloadLength)) "
        let chain = chain
        marks += chain.headers.filter { $0.kind != .fragment }.map { "\($0.kind), " }.joined()
        if let fragment = chain.fragment { marks += "fragment at \(Int(fragment.offset) * 8)\(fragment.moreFragments ? "+" : "") " }
        return "IPv6 \(source) > \(destination): \(marks)\(Self.ending(of: chain))"
    }

    /// What the chain ends with: the upper layer, a later fragment's middle of something, or the place where it broke.
    private static func ending(of chain: ExtensionHeaderChain) -> String {
        if let breakage = chain.breakage { return breakage.description }
        if let upper = chain.upperLayer { return summary(of: upper.bytes, proto: upper.proto) }
        return chain.fragment?.nextHeader.description ?? ""
    }
}

extension ExtensionHeaderChain.Break: CustomStringConvertible {
    public var description: String {
        switch self {
        case .hopByHopNotFirst: "hop-by-hop header not first"
        case .secondFragment: "second fragment header"
        case .tooManyHeaders: "more than \(ExtensionHeaderChain.maximumHeaders) extension headers"
        case .cutShort: "extension header cut short"
        case .routingType0: "routing header of type 0"
        case .tooLong: "more than \(ExtensionHeaderChain.maximumBytes) bytes of extension headers"
        }
    }
}
