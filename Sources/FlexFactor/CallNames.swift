package import DeclineRecovery

/// What calls to FlexFactor are called in metrics and logs.
package enum CallName: String, Sendable, CaseIterable {
    case evaluate, recall, find
    case lookUp = "look_up"
    case cancel
    case cancelByReference = "external_cancel"
    case capture, refund
    /// The exchange of a sealed card, which no recovery asks for by itself.
    case tokenize
    /// The daily list of orders whose money went back, which no recovery asks for either.
    case list
}

extension FlexFactorCall {
    package var name: String { callName.rawValue }

    private var callName: CallName {
        switch self {
        case .evaluate: .evaluate
        case .recall: .recall
        case .find: .find
        case .lookUp: .lookUp
        case .cancel: .cancel
        case .cancelByReference: .cancelByReference
        case .capture: .capture
        case .refund: .refund
        }
    }
}

extension CallFailure {
    /// The names of answers that somebody has to see to, once they come at all.
    package static let alarming = [
        FlexFactorAnswer.failed(.unknown(.barred(status: 403))).name, FlexFactorAnswer.failed(.notSent(.misconfigured(""))).name,
    ]
}

extension FlexFactorAnswer {
    /// The answer's name in metrics and logs: few, and without data.
    package var name: String {
        switch self {
        case .evaluated(.unrecognised, _): "unrecognised"
        case .evaluated(let status, _): status.word.lowercased()
        case .found: "found"
        case .notListed: "not_listed"
        case .noSuchOrder: "no_such_order"
        case .cancelAccepted: "cancel_accepted"
        case .cancelRefused: "cancel_refused"
        case .captured: "captured"
        case .captureFailed: "capture_failed"
        case .refunded: "refunded"
        case .refundFailed: "refund_failed"
        case .tokenized: "token"
        case .cardUnusable: "card_unusable"
        case .failed(.notSent(.circuitOpen)): "circuit_open"
        case .failed(.notSent(.rateLimited)): "rate_limited"
        case .failed(.notSent(.noToken)): "no_token"
        case .failed(.notSent(.misconfigured)): "misconfigured"
        case .failed(.notSent): "not_sent"
        case .failed(.unknown(.timedOut)): "timed_out"
        case .failed(.unknown(.connectionLost)): "connection_lost"
        case .failed(.unknown(.serverError)): "server_error"
        case .failed(.unknown(.barred)): "barred"
        case .failed(.unknown(.unreadable)): "unreadable"
        case .failed(.unknown(.otherAccount)): "other_account"
        case .failed(.unknown(.otherRecovery)): "other_recovery"
        case .failed(.unknown(.unconfirmed)): "unconfirmed"
        case .failed(.unknown(.unclear)): "unclear"
        case .failed(.throttled): "throttled"
        case .failed(.conflict): "conflict"
        case .failed(.refused): "refused"
        }
    }

    var failure: CallFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }

    /// What an answer says of FlexFactor itself.
    enum Health: Sendable {
        case well, unwell
        /// It was not FlexFactor that failed, or not by this call.
        case unsaid
    }

    var health: Health {
        switch self {
        case .failed(.notSent(.cannotConnect)), .failed(.unknown(.timedOut)), .failed(.unknown(.connectionLost)),
            .failed(.unknown(.serverError)):
            .unwell
        // A token that is missed by a hundred calls failed once: whoever asked for it said so.
        case .failed(.notSent), .failed(.unknown(.barred)), .failed(.unknown(.unconfirmed)), .cardUnusable: .unsaid
        default: .well
        }
    }
}
