extension Recovery {
    /// How a recovery goes on that fell out of its path, into a dead letter, when it may have been charged.
    package enum TakingUp: Sendable, Equatable {
        /// Nothing is charged any more: FlexFactor is asked what became of it, and what is open there is cancelled.
        case ask(Recovery)
        /// Its days are not over: back to its stage, which asks FlexFactor for the order before it repeats anything.
        case handBack(Recovery)
    }

    package func takenUp(now: Moment) -> TakingUp {
        var recovery = self
        (recovery.failures, recovery.isSubmitted) = (0, false)
        // An id that looked like a card number was taken out of the letter; the reference finds the order as well.
        let orderID = phase.orderID.flatMap { CardDataGuard.isMarked(Array($0.text.utf8)) ? nil : $0 }
        // A letter that was written without a card key holds a mark in the place of the token.
        if case .token(CardToken(CardDataMark.token))? = charge?.paymentMethod.card { recovery.charge = nil }
        if let site = charge?.site?.id, CardDataGuard.isMarked(Array(site.utf8)) { recovery.charge = recovery.charge?.withoutSite }
        if case .retry(_, let until) = route, now < until, !isCancelRequested {
            switch phase {
            case .due, .ready, .unanswered, .capturing, .reconciling, .challenged, .seeking, .resting: recovery.phase = .seeking(orderID)
            case .watching, .closing, .closed: break
            }
            return .handBack(recovery)
        }
        recovery.charge = nil
        recovery.phase = if case .retry = route { .closing(orderID, .look) } else { .reconciling(orderID, .look) }
        return .ask(recovery)
    }

    /// The recovery as an operator sends it again, who knows when: the CRM may have had the order charged since, and FlexFactor forgets
    /// idempotency keys after a day. So a retry looks for the order before it charges, and its patience begins anew.
    ///
    /// - Parameter edition: what tells one sending from the next, as one publication of the event from the next.
    /// - Parameter isRefused: FlexFactor refused it, and that was told: it has nothing of it.
    package func sentAgain(as edition: UInt64? = nil, isRefused: Bool = false) -> Recovery {
        var recovery = self
        (recovery.failures, recovery.isSubmitted) = (0, false)
        recovery.edition = edition
        // What FlexFactor refused it may have refused for its site; another request goes out under another key.
        if !phase.mayBeCharged { recovery.charge = charge?.withoutSite }
        if isRefused, case .retry = route, !evidence.exists {
            (recovery.phase, recovery.charge, recovery.evidence.refusal) = (.due, charge?.withoutSite, nil)
        }
        switch (route, recovery.phase) {
        case (.retry, .ready): recovery.phase = .due
        case (.retry, .unanswered): recovery.phase = .seeking(nil)
        default: break
        }
        return recovery
    }
}
