package import DeclineRecovery

extension FlexFactorCall {
    /// The call's name in metrics and logs.
    package var name: String {
        switch self {
        case .evaluate: "evaluate"
        case .recall: "recall"
        case .find: "find"
        case .lookUp: "look_up"
        case .cancel: "cancel"
        case .cancelByReference: "external_cancel"
        case .capture: "capture"
        case .refund: "refund"
        }
    }
}

extension FlexFactorCall {
    /// Every name that a call to FlexFactor has.
    package static let names = [
        "evaluate", "recall", "find", "look_up", "cancel", "external_cancel", "capture", "refund", "tokenize",
    ]
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
        case .failed(.throttled): "throttled"
        case .failed(.conflict): "conflict"
        case .failed(.refused): "refused"
        }
    }

    var failure: CallFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }

    /// Whether it says that FlexFactor is not well.
    var saysUnwell: Bool {
        switch self {
        case .failed(.notSent(.cannotConnect)), .failed(.notSent(.noToken)), .failed(.unknown(.timedOut)),
            .failed(.unknown(.connectionLost)),
            .failed(.unknown(.serverError)):
            true
        default: false
        }
    }
}
