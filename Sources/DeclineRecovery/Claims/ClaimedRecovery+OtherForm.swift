/// The same decline under two references: its event came in two forms, as a live sale and as a rerun say. One of them is sent, and
/// tells the one result; the other is a repeat.
///
/// Nothing is lost with the repeat. A request alone may be withdrawn, or refused for faults that this form does not have: so long this
/// one waits, to go on in its place. It is left for good where FlexFactor has the other's order, which nothing takes back: that one's
/// message is in hand or put away, or lies with a person as a letter. It is left as well when its own time is over: it would end unsent.
extension ClaimedRecovery {
    /// Whoever waits at the checkout is answered by what the other tells in time, so his message stays for so long.
    func leaving(it other: ClaimRecord, exists: Bool, now: Moment) -> Finish {
        let isCascade = if case .cascade = recovery.route { true } else { false }
        guard recovery.mayCharge(at: now), isCascade && recovery.reply != nil || !exists else { return .left(to: other.claim.reference) }
        // Each look is a claim: what is not known for long is not asked for every few seconds.
        let age = now - recovery.declinedAt
        let wait: Moment.Span = isCascade ? recovery.backoff : .milliseconds(min(max(5_000, age.milliseconds / 4), 1_800_000))
        return .stop(.park(until: min(now + wait, recovery.chargingEnds)))
    }

    /// What was withdrawn left the decline to its other form: that is asked before FlexFactor's word that nothing arrived is told. A telling
    /// of what nobody has sent asks it, which every version judges alike, and which is not granted where a request stands.
    func firstBasis(of outcome: RecoveryOutcome) -> Claim.Basis {
        let basis = outcome.basis(by: recovery.evidence)
        return basis == .absent ? .unsent : basis
    }

    /// Whether the end is that FlexFactor has no such order.
    func isAbsence(_ stop: RecoveryStop?) -> Bool {
        if case .conclude(let outcome)? = stop { outcome.basis(by: recovery.evidence) == .absent } else { false }
    }
}
