/// Why a result is what it is: a code for programs, a sentence for people, and the kind that follows from it.
public enum ResultReason: Sendable, Equatable {
    case approved(RecoveryOutcome.Approval)
    case declined(RecoveryOutcome.Refusal)
    case skipped(SkipReason)
    case rejected(Rejection)

    /// Why an event or a charge was unusable.
    public enum Rejection: String, Sendable, CaseIterable {
        case invalidEvent = "invalid_event"
        case cardDataInClear = "card_data_in_clear"
        case unknownMerchant = "unknown_merchant"
        case noCardKey = "no_card_key"
        case refusedByFlexFactor = "refused_by_flexfactor"
    }

    public var kind: ResultKind {
        switch self {
        case .approved: .approved
        case .declined: .declined
        case .skipped: .skipped
        case .rejected: .rejected
        }
    }

    /// Enumerated; new codes may come, none changes its meaning.
    public var code: String {
        switch self {
        case .approved(.answered): "approved"
        case .approved(.captured): "captured"
        case .approved(.reconciled): "approved_on_look_up"
        case .declined(.byFlexFactor): "declined_by_flexfactor"
        case .declined(.challenge): "challenge_impossible"
        case .declined(.cancelled): "cancelled_at_flexfactor"
        case .declined(.expired): "expired_at_flexfactor"
        case .declined(.reconciled): "not_charged_on_look_up"
        case .skipped(let reason): reason.rawValue
        case .rejected(let reason): reason.rawValue
        }
    }

    public var sentence: String {
        switch self {
        case .approved(.answered): "FlexFactor approved the charge."
        case .approved(.captured): "FlexFactor authorised the charge and it was captured."
        case .approved(.reconciled): "FlexFactor's answer was lost; its order shows that the charge was taken."
        case .declined(.byFlexFactor): "FlexFactor declined the charge."
        case .declined(.challenge): "FlexFactor asks the customer for a challenge, and no customer is there to solve it."
        case .declined(.cancelled): "FlexFactor cancelled the order."
        case .declined(.expired): "The order expired at FlexFactor."
        case .declined(.reconciled): "No answer came in time; FlexFactor's order shows that nothing was charged and that it is cancelled."
        case .skipped(let reason): reason.sentence
        case .rejected(.invalidEvent): "The decline event is not valid; every fault is listed."
        case .rejected(.cardDataInClear): "The decline event holds a card number or a security code in clear."
        case .rejected(.unknownMerchant): "The configuration has no merchant of this id."
        case .rejected(.noCardKey): "The card is encrypted, and the worker holds no key for it."
        case .rejected(.refusedByFlexFactor): "FlexFactor refuses the request as it stands; its field errors are listed."
        }
    }
}

extension ResultReason {
    /// What a cascade's end is to the CRM. A charge that was never made is a skip: the CRM goes on with its own rules.
    public init(_ outcome: RecoveryOutcome) {
        self = switch outcome {
        case .approved(let how, _): .approved(how)
        case .declined(let why, _): .declined(why)
        case .unavailable: .skipped(.flexFactorUnavailable)
        case .neverArrived: .skipped(.deadlinePassed)
        }
    }
}
