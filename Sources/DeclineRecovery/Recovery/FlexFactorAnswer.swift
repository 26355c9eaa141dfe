/// What came back from a call to FlexFactor, failures included, in words the recovery decides by.
///
/// The one distinction that matters most: `failed(.unknown)` may have moved money, every other failure certainly has not.
package enum FlexFactorAnswer: Sendable, Equatable {
    /// `evaluate` answered. The order id is missing only where FlexFactor sent none.
    case evaluated(EvaluationStatus, FlexFactorOrderID?)
    /// A look-up found the order.
    case found(FlexFactorOrder)
    /// The list of orders does not show ours. No field of it is documented to name our reference, so its silence proves nothing.
    case notListed
    /// FlexFactor itself, and nobody before it, says that it knows no such order.
    case noSuchOrder
    /// A cancel was accepted: there is such an order, and it is cancelled.
    case cancelAccepted
    /// A cancel was refused because of the order's state: there is such an order.
    case cancelRefused
    case captured
    /// FlexFactor answered that the capture failed; its own code where it gave one.
    case captureFailed(code: String?)
    case refunded
    /// FlexFactor answered that it gives nothing back; its own code and words.
    case refundFailed(code: String?, String)
    /// The sealed card was opened and exchanged; what FlexFactor is to know of it beside the token.
    case tokenized(CardToken, CardFacts? = nil)
    /// The sealed card cannot be opened here, or what it holds is no card. Nothing was sent.
    case cardUnusable(FieldError)
    case failed(CallFailure)
}

extension FlexFactorAnswer {
    /// What an answer to the exchange of a card says of the charge that waits for it: whatever became of the exchange, no request for the
    /// charge has left, so nothing of it is unknown (truth.md §4).
    package var beforeCharge: FlexFactorAnswer {
        switch self {
        case .failed(.unknown), .failed(.conflict): .failed(.notSent(.cannotConnect("the card could not be exchanged for a token")))
        default: self
        }
    }
}

extension FlexFactorAnswer {
    /// For how long FlexFactor asks to be left alone; no time where it does not.
    package var retryAfter: Moment.Span { if case .failed(let failure) = self { failure.retryAfter ?? .seconds(0) } else { .seconds(0) } }
}

/// `status` of an evaluate answer (facts/flexfactor-api.md §6); a word we do not know is kept, and is no decision.
package enum EvaluationStatus: Hashable, Sendable {
    case approved, declined, challenge, submitted, processing, captureRequired, cancelled, expired
    case unrecognised(String)

    /// FlexFactor's word, case ignored.
    package init(word: String) {
        self =
            switch word.uppercased() {
            case "APPROVED": .approved
            case "DECLINED": .declined
            case "CHALLENGE": .challenge
            case "SUBMITTED": .submitted
            case "PROCESSING": .processing
            case "CAPTUREREQUIRED": .captureRequired
            case "CANCELLED": .cancelled
            case "EXPIRED": .expired
            default: .unrecognised(word)
            }
    }

    /// FlexFactor's documents have the word.
    package var isRecognised: Bool { if case .unrecognised = self { false } else { true } }

    package var word: String {
        switch self {
        case .approved: "APPROVED"
        case .declined: "DECLINED"
        case .challenge: "CHALLENGE"
        case .submitted: "SUBMITTED"
        case .processing: "PROCESSING"
        case .captureRequired: "CAPTUREREQUIRED"
        case .cancelled: "CANCELLED"
        case .expired: "EXPIRED"
        case .unrecognised(let word): word
        }
    }
}

/// Why a call brought no answer of FlexFactor's that decides anything.
package enum CallFailure: Sendable, Equatable {
    /// No byte of the request was written: FlexFactor cannot have acted on it.
    case notSent(NotSent)
    /// The request may have been executed: written in part or whole and not answered, answered 5xx, or answered with what cannot be read.
    case unknown(Unknown)
    /// 429: not executed; `Retry-After` where FlexFactor gave one.
    case throttled(retryAfter: Moment.Span?)
    /// 409: a request with this key is still in progress, or was made with other content.
    case conflict
    /// 400 or 422: FlexFactor refuses the request as it is, in its own words. Not executed.
    case refused(status: Int, [FieldError])

    package enum NotSent: Sendable, Equatable {
        /// The gateway's circuit breaker is open.
        case circuitOpen(until: Moment)
        /// Our own rate limit has no room in the time for the call.
        case rateLimited
        case cannotConnect(String)
        /// This process cannot make a call, whoever it is to: no rights, no descriptors, no network.
        case cannotCall(String)
        /// The time for the call ran out before it could be sent.
        case deadline
        /// FlexFactor gives these keys no token.
        case noToken(String)
        /// There is no token at the moment: the token endpoint failed, which may pass. `Retry-After` where it came along.
        case noTokenYet(String, retryAfter: Moment.Span? = nil)
        /// The configuration lacks what the call needs.
        case misconfigured(String)
    }

    package enum Unknown: Sendable, Equatable {
        case timedOut
        case connectionLost(String)
        /// `Retry-After` where it came along.
        case serverError(status: Int, retryAfter: Moment.Span? = nil)
        /// The way to FlexFactor is barred: 403, 404, 405, 410, or another refusal without FlexFactor's own words. Whoever said so may
        /// stand before FlexFactor, and it says nothing of the request.
        case barred(status: Int)
        /// A success whose body cannot be read or says nothing known.
        case unreadable(String)
        /// The order that was shown names another account than the gateway's: it is another's, or the gateway's keys are.
        case otherAccount
        /// The answer names an order that FlexFactor opened for another recovery: it was meant for another call.
        case otherRecovery
        /// The list of orders shows it, and its own page does not say whose it is and how it stands. `Retry-After` where it came along.
        case unconfirmed(String, retryAfter: Moment.Span? = nil)
        /// The order's own page says that it is paid, and something else besides; in its words.
        case unclear(String)
    }
}

extension CallFailure {
    /// For how long FlexFactor asks to be left alone.
    package var retryAfter: Moment.Span? {
        switch self {
        case .throttled(let wait), .unknown(.serverError(_, let wait)), .unknown(.unconfirmed(_, let wait)),
            .notSent(.noTokenYet(_, let wait)):
            wait
        case .notSent, .unknown, .conflict, .refused: nil
        }
    }

    /// An order is shown that may be asked for, and be paid: unlike a list that cannot be had, or shows nothing.
    var isUnconfirmed: Bool { if case .unknown(.unconfirmed) = self { true } else { isUnclear } }

    /// FlexFactor was not asked, or would not hear it.
    var isUnasked: Bool {
        switch self {
        case .notSent, .throttled: true
        case .unknown, .conflict, .refused: false
        }
    }

    /// It may be paid, by its own page: it is not asked to be cancelled.
    var isUnclear: Bool { if case .unknown(.unclear) = self { true } else { false } }
}

/// What is known of a card once it was opened, and may travel: no number, no security code.
package struct CardFacts: Sendable, Equatable {
    package let holderName: String?
    /// 1...12
    package let expirationMonth: Int
    /// Four digits.
    package let expirationYear: Int
    /// The first six digits.
    package let bin: String
    package let last4: String

    package init(holderName: String?, expirationMonth: Int, expirationYear: Int, bin: String, last4: String) {
        self.holderName = holderName
        self.expirationMonth = expirationMonth
        self.expirationYear = expirationYear
        self.bin = bin
        self.last4 = last4
    }
}
