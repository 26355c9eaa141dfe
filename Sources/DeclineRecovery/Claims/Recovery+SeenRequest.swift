/// What FlexFactor says of an order it says of what was sent before it was asked.
///
/// Copies of a recovery may be in hand on several pods, and a pod whose clock is behind, or that has not heard of a cancel command yet, sends
/// what another counts as over. So an end that comes of looking names the last request that was known when the looking began, and the stream
/// refuses it where a later one stands (`ClaimVerdict.askedTooEarly`). A request is written within seconds of its claim or never
/// (`Claim.validity`): by the last look, the settling time later, FlexFactor has it.
extension Recovery {
    /// Takes in the last request that stands open. Where that is another than before, what FlexFactor said was said too early.
    mutating func noteRequest(_ last: Claim.ID?) {
        guard let last, last != evidence.seen else { return }
        evidence.seen = last
        if case .denied = evidence.order { evidence.order = .none }
        guard isPostedUnderOtherKeys else { return }
        if case .cancelled = evidence.order { evidence.order = .known }
        if case .closed(let id) = phase { phase = .closing(id, .look) }
    }

    /// What an end names that is told on this basis; `nil` for one that did not come of looking, or that a request could not change.
    func seen(by basis: Claim.Basis) -> Claim.ID? {
        switch basis {
        case .absent: evidence.seen ?? 0
        case .known: isPostedUnderOtherKeys ? evidence.seen ?? 0 : nil
        case .unsent, .pointer: nil
        }
    }

    /// Each post has a key of its own: one that comes later can be charged although the order was seen closed. Elsewhere it would be answered
    /// as the first was.
    private var isPostedUnderOtherKeys: Bool { if case .retry(.sync, _) = route { true } else { false } }
}
