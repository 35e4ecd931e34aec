import Policy

/// What becomes of a frame.
package enum Verdict: String, Encodable {
    case pass
    case drop
    case wouldDrop = "would drop"

    package init(_ judgement: Judgement) {
        self = judgement.isDropped ? .drop : judgement.reason == nil ? .pass : .wouldDrop
    }
}
