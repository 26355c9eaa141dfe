/// What a decline means for another attempt.
package enum DeclineCategory: String, Sendable, CaseIterable {
    /// May succeed at once elsewhere.
    case softNow = "soft_now"
    /// May succeed once there are funds again, or a limit is over.
    case softLater = "soft_later"
    /// Needs other data or a challenge first; a merchant may have it tried all the same.
    case correctData = "correct_data"
    /// Refused for this card or this purchase; a merchant's rule may have it tried all the same.
    case hard
    /// Never again, says the issuer or the network: whoever tries pays for it.
    case never
    /// The request itself is at fault; another fails in the same way.
    case requestWrong = "request_wrong"
    /// The account at the first gateway cannot take this charge. FlexFactor is another acquirer.
    case accountWrong = "account_wrong"
    /// Nobody knows what became of the first charge: another could be the second.
    case outcomeUnknown = "outcome_unknown"
    /// The first charge went through, in whole or in part.
    case notADecline = "not_a_decline"

    var words: String {
        switch self {
        case .softNow: "soft: it may succeed at once elsewhere"
        case .softLater: "soft: it may succeed later"
        case .correctData: "correctable with other data"
        case .hard: "hard"
        case .never: "a network order: never try again"
        case .requestWrong: "a fault of the request, which fails everywhere"
        case .accountWrong: "a fault of the first gateway's account"
        case .outcomeUnknown: "an unknown outcome: the first charge may stand"
        case .notADecline: "no decline"
        }
    }
}

/// How much a decision is worth, by who said it.
package enum DeclineConfidence: String, Sendable, CaseIterable {
    /// The card network, or the merchant and the CRM, who need no guess.
    case network
    /// The gateway's code.
    case code
    /// The text says why.
    case text
    /// The text only says that it was declined, or nobody says anything.
    case guess
}
