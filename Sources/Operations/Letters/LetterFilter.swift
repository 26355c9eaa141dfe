package import DeclineRecovery

/// Which letters are meant. Everything that is given must hold.
package struct LetterFilter: Sendable, Equatable {
    /// `nil`: what is to be done.
    package var states: Set<LetterState>?
    package var reasons: Set<DeadLetterReason>?
    package var stages: Set<Stage>?
    /// What may be done with them.
    package var handlings: Set<LetterHandling>?
    package var merchantID: MerchantID?
    /// An order id, or a recovery reference.
    package var order: String?
    package var gatewayID: GatewayID?
    /// The letter was last written at or after the one, and at or before the other.
    package var since: Moment?
    package var until: Moment?
    /// Contained in what the letter says or in its message, ASCII case ignored. Judged by whoever has the letter at hand.
    package var text: String?

    package init(
        states: Set<LetterState>? = nil, reason: DeadLetterReason? = nil, stage: Stage? = nil, merchantID: MerchantID? = nil,
        order: String? = nil,
        gatewayID: GatewayID? = nil, since: Moment? = nil, until: Moment? = nil, text: String? = nil
    ) {
        self.states = states
        reasons = reason.map { [$0] }
        stages = stage.map { [$0] }
        self.merchantID = merchantID
        self.order = order
        self.gatewayID = gatewayID
        self.since = since
        self.until = until
        self.text = text
    }

    /// Whether more than a letter's summary must be looked at.
    var hasText: Bool { text?.isEmpty == false }

    package static let all = LetterFilter(states: Set(LetterState.allCases))

    /// Whether a letter is meant, its text left aside.
    package func matches(_ letter: LetterSummary) -> Bool {
        if let states { if !states.contains(letter.state) { return false } } else if !letter.isToDo { return false }
        if let reasons, !reasons.contains(letter.reason) { return false }
        if let stages, !stages.contains(letter.stage) { return false }
        if let handlings, !handlings.contains(letter.handling) { return false }
        if let merchantID, letter.merchantID != merchantID { return false }
        if let order, letter.orderID != order, letter.reference?.text != order { return false }
        if let gatewayID, letter.gatewayID != gatewayID { return false }
        if let since, letter.lastAt < since { return false }
        if let until, letter.lastAt > until { return false }
        return true
    }
}
