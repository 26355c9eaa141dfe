/// How a command to cancel ended where there was nothing to cancel.
package enum CancelEnd: String, Sendable, CaseIterable {
    /// The order had ended before the command came; its result tells how.
    case alreadyClosed = "already_closed"
    /// FlexFactor never had such an order; the recovery, if there is one, ends itself.
    case nothingToCancel = "nothing_to_cancel"
    /// A cascade is answered at once, before a command could reach it.
    case cascade = "cascade_is_answered_at_once"
    /// FlexFactor cancels nothing, and the recovery is known: there is an order that cannot be cancelled any more, or its request is without an
    /// answer. It has heard of the command, and tells how it ends.
    case leftToRecovery = "left_to_recovery"
}
