/// Why a result is what it is: a code for programs, a sentence for people, and the kind that follows from it.
package enum ResultReason: Sendable, Equatable {
    case submitted
    case approved(RecoveryOutcome.Approval)
    case declined(RecoveryOutcome.Refusal)
    case expired(RecoveryOutcome.Expiry)
    case cancelled
    case skipped(SkipReason)
    case rejected(Rejection)
    case refunded
    case chargeback
    /// FlexFactor gave nothing back.
    case refundFailed
    case nothingToCancel(CancelEnd)
    case unresolved

    /// Why an event or a charge was unusable.
    package enum Rejection: String, Sendable, CaseIterable {
        /// The body is no JSON.
        case unreadable
        case invalidEvent = "invalid_event"
        case invalidCommand = "invalid_command"
        case cardDataInClear = "card_data_in_clear"
        case unknownMerchant = "unknown_merchant"
        case tooOld = "too_old"
        case noCardKey = "no_card_key"
        case cardUnusable = "card_unusable"
        /// The first charge went through, in whole or in part.
        case notADecline = "not_a_decline"
        case refusedByFlexFactor = "refused_by_flexfactor"
    }

    /// Every reason that there is.
    package static let all: [ResultReason] =
        [.submitted, .cancelled, .refunded, .refundFailed, .chargeback, .unresolved]
        + RecoveryOutcome.Approval.allCases.map(ResultReason.approved)
        + RecoveryOutcome.Refusal.allCases.map(ResultReason.declined) + RecoveryOutcome.Expiry.allCases.map(ResultReason.expired)
        + SkipReason.allCases.map(ResultReason.skipped) + Rejection.allCases.map(ResultReason.rejected)
        + CancelEnd.allCases.map(ResultReason.nothingToCancel)

    /// `nil` for a code of a newer version.
    package init?(code: String) {
        guard let reason = Self.all.first(where: { $0.code == code }) else { return nil }
        self = reason
    }

    package var kind: ResultKind {
        switch self {
        case .submitted: .submitted
        case .approved: .approved
        case .declined: .declined
        case .expired: .expired
        case .cancelled: .cancelled
        case .skipped: .skipped
        case .rejected: .rejected
        case .refunded: .refunded
        case .chargeback: .chargeback
        case .nothingToCancel: .nothingToCancel
        case .refundFailed: .refundFailed
        case .unresolved: .unresolved
        }
    }

    /// Enumerated; new codes may come, none changes its meaning.
    package var code: String {
        switch self {
        case .submitted: "submitted"
        case .approved(.answered): "approved"
        case .approved(.captured): "captured"
        case .approved(.reconciled): "approved_on_look_up"
        case .approved(.polled): "approved_on_poll"
        case .approved(.notified): "approved_by_webhook"
        case .declined(.byFlexFactor): "declined_by_flexfactor"
        case .declined(.challenge): "challenge_impossible"
        case .declined(.cancelled): "cancelled_at_flexfactor"
        case .declined(.expired): "expired_at_flexfactor"
        case .declined(.reconciled): "not_charged_on_look_up"
        case .expired(.atExpiry): "expired"
        case .expired(.closed): "order_closed"
        case .expired(.neverArrived): "never_arrived"
        case .cancelled: "cancelled_by_crm"
        case .skipped(let reason): reason.rawValue
        case .rejected(let reason): reason.rawValue
        case .refunded: "refunded"
        case .chargeback: "chargeback"
        case .nothingToCancel(let why): why.rawValue
        case .refundFailed: "refund_failed"
        case .unresolved: "outcome_unknown"
        }
    }

    /// What became of the order at FlexFactor, in the words of its answers and orders; `nil` where nothing did, or more than the reason says.
    package var flexFactorStatus: String? {
        switch self {
        case .submitted: "SUBMITTED"
        case .approved(.answered): "APPROVED"
        case .approved(.captured), .approved(.notified): "COMPLETED"
        case .declined(.byFlexFactor): "DECLINED"
        case .declined(.challenge): "CHALLENGE"
        case .declined(.expired): "EXPIRED"
        case .declined(.cancelled), .declined(.reconciled), .expired(.atExpiry), .expired(.closed), .cancelled: "CANCELLED"
        case .chargeback: "CHARGEBACK"
        // Who looked may have seen it come back already.
        case .approved(.reconciled), .approved(.polled): nil
        case .expired(.neverArrived), .refunded, .refundFailed, .unresolved, .skipped, .rejected, .nothingToCancel: nil
        }
    }

    package var sentence: String {
        switch self {
        case .submitted: "FlexFactor has taken the charge on and tries it until its expiry. Do not retry it yourself."
        case .approved(.answered): "FlexFactor approved the charge."
        case .approved(.captured): "FlexFactor authorised the charge and it was captured."
        case .approved(.reconciled): "FlexFactor's answer was lost; its order shows that the charge was taken."
        case .approved(.polled): "FlexFactor's order shows that the charge was taken."
        case .approved(.notified): "FlexFactor reports that the charge was taken."
        case .declined(.byFlexFactor): "FlexFactor declined the charge."
        case .declined(.challenge): "FlexFactor asks the customer for a challenge, and no customer is there to solve it."
        case .declined(.cancelled): "FlexFactor cancelled the order."
        case .declined(.expired): "The order expired at FlexFactor."
        case .declined(.reconciled): "No answer came in time; FlexFactor's order shows that nothing was charged and that it is cancelled."
        case .expired(.atExpiry):
            "The time for the retry is over, and FlexFactor's order shows that nothing was charged and that it is closed."
        case .expired(.closed): "The order at FlexFactor is closed, and nothing was charged."
        case .expired(.neverArrived): "The time for the retry is over, and FlexFactor has no such order."
        case .cancelled: "The CRM cancelled the retry; nothing was charged and the order is closed."
        case .skipped(let reason): reason.sentence
        case .rejected(.unreadable): "The message is no JSON text that can be read."
        case .rejected(.invalidCommand): "The command is not valid; every fault is listed."
        case .rejected(.invalidEvent): "The decline event is not valid; every fault is listed."
        case .rejected(.cardDataInClear): "The event holds a card number or a security code in clear."
        case .rejected(.notADecline): "The event tells of a charge that went through; only declines are salvaged."
        case .rejected(.unknownMerchant): "The configuration has no merchant of this id."
        case .rejected(.tooOld): "The charge was declined too long ago: what became of it may be forgotten here."
        case .rejected(.noCardKey): "The card is encrypted, and the worker holds no key for it."
        case .rejected(.cardUnusable): "The encrypted card cannot be opened, or does not hold a card."
        case .rejected(.refusedByFlexFactor): "FlexFactor refuses the request as it stands; its field errors are listed."
        case .refunded: "FlexFactor reports that the charge was refunded."
        case .chargeback: "FlexFactor reports a chargeback of the charge."
        case .refundFailed: "Nothing was refunded; FlexFactor's own words are listed."
        case .unresolved: "FlexFactor could not tell in time whether it took the money. A person sees to it; wait for the result."
        case .nothingToCancel(.nothingToCancel): "There is nothing to cancel: no retry of that name is known, here or at FlexFactor."
        case .nothingToCancel(.alreadyClosed): "There is nothing to cancel any more: it has ended, as its result says."
        case .nothingToCancel(.leftToRecovery):
            "FlexFactor has nothing that it cancels, but the retry has not ended: its result will tell how it does. Wait for it."
        case .nothingToCancel(.cascade): "There is nothing to cancel: a cascade is answered before a command could reach it."
        }
    }
}

extension ResultReason {
    /// What a recovery's end is to the CRM. A charge that was never made is a skip: the CRM goes on with its own rules.
    package init(_ outcome: RecoveryOutcome) {
        self =
            switch outcome {
            case .approved(let how, _): .approved(how)
            case .declined(let why, _): .declined(why)
            case .unavailable: .skipped(.flexFactorUnavailable)
            case .misconfigured: .skipped(.gatewayMisconfigured)
            case .neverArrived: .skipped(.deadlinePassed)
            case .expired(let why, _): .expired(why)
            case .cancelled: .cancelled
            }
    }
}
