extension Recovery {
    /// What was about to be told is not known: FlexFactor is to be asked.
    ///
    /// - Returns: for how long after the time for charging; `nil` where the same request goes out once more before.
    mutating func doubt(_ timing: RecoveryTiming) -> Moment.Span? {
        switch (route, phase) {
        // The same key, while the time allows; FlexFactor is asked afterwards.
        case (.cascade, .due):
            phase = .unanswered
            return nil
        case (.cascade, _):
            phase = .reconciling(phase.orderID, .look)
            return timing.reconcileFor
        case (.retry, .closing), (.retry, .closed): phase = .closing(phase.orderID, .look)
        case (.retry, _): phase = .seeking(phase.orderID)
        }
        return timing.grace + timing.reconcileFor
    }

    /// FlexFactor's answer cannot be told now: it is asked again later.
    mutating func forgetAnswer() {
        switch route {
        case .cascade: if phase == .due { phase = .unanswered }
        case .retry: if !phase.mayBeCharged { phase = .seeking(nil) }
        }
    }
}
