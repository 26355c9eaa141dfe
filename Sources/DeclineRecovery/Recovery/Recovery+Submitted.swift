/// The CRM hears once, and soon, that FlexFactor has a retry: from then on it can stop it by its name, and charges it nowhere else
/// (behaviour.md §6).
extension Recovery {
    /// Puts it away until then, and has it told as submitted where it was not. A sync retry that was posted before was told then.
    mutating func submitted(_ id: FlexFactorOrderID?, until next: Moment) -> RecoveryStop {
        guard !isSubmitted, evidence.named == nil else { return .park(until: next) }
        isSubmitted = true
        return .submitted(id, until: next)
    }

    /// FlexFactor has authorised the charge, and the capture did not go through at once: it is tried again until its days are over.
    mutating func notCaptured(
        _ id: FlexFactorOrderID, because failure: CallFailure, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop {
        switch failure {
        case .notSent, .throttled: break
        // It may have been taken: the order says, and whether it is to be captured yet.
        case .unknown, .conflict, .refused: phase = .seeking(id)
        }
        // What we do not post again needs nothing of the person or the card any more.
        if !isSync { charge = nil }
        let stop = later(now, until: until, timing: timing, because: failure)
        guard case .park(let next) = stop else { return stop }
        return submitted(id, until: next)
    }
}
