/// How far FlexFactor was asked for a last time.
enum LastWord: Sendable {
    case none
    /// It was asked to cancel the order.
    case cancel
    /// And the order was looked at after that.
    case look
}

/// However late it is: nobody gives up who has not asked (behaviour.md §6).
///
/// A recovery may be taken up when its time and all patience are long over, after an outage of weeks. Then it has asked nothing yet, and its order may
/// be open at FlexFactor. So what would be given up is cancelled and looked at once more first, and only what is open or unknown even then is a
/// person's.
///
/// ```
/// overdue --no answer, so few calls yet--> wait, and ask again
///      \--answered, or often enough--> cancel --accepted--> look when FlexFactor has had time --> told | given up
///                                        \--refused, or no answer--> look --> told | given up
/// ```
extension Recovery {
    /// What comes before the recovery is given up; `nil` when the next step is due at once.
    mutating func beforeGivingUp(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if case .cancelled(let since) = evidence.order, now < since + timing.settle {
            phase = asking(.look)
            return .park(until: since + timing.settle)
        }
        // What may be paid is not asked to be cancelled, for FlexFactor may void it.
        if case .failed(let failure) = answer, failure.isUnclear { return .giveUp(.outcomeUnknown) }
        // An outage of FlexFactor's, or of ours, that is not over says nothing. Nobody waits any more.
        if case .failed(let failure) = answer, failures < Self.leastCalls {
            // A circuit that is open counts no failure, and few calls try it: who waits for it has asked as well.
            if case .notSent(.circuitOpen) = failure { failures += 1 }
            return .park(until: max(waitingTime(for: failure, now: now), now + spread(.minutes(2))))
        }
        switch lastWord {
        case .none:
            lastWord = .cancel
            phase = asking(.cancel)
            return nil
        case .cancel:
            lastWord = .look
            phase = asking(.look)
            return nil
        case .look: return .giveUp(.outcomeUnknown)
        }
    }

    private func asking(_ step: ReconciliationStep) -> RecoveryPhase {
        switch (route, phase) {
        case (.cascade, .challenged(let id, _)): .challenged(id, step)
        case (.cascade, _): .reconciling(phase.orderID, step)
        case (.retry, _): .closing(phase.orderID, step)
        }
    }

    /// As many take a quarter of an hour at least when none is answered.
    private static let leastCalls = 20
}
