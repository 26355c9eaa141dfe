extension CallFailure: Error, CustomStringConvertible {
    /// What happened, for an operator. Holds no key, no card and no person's data.
    package var description: String {
        switch self {
        case .notSent(.circuitOpen): "not sent: the gateway's circuit is open, FlexFactor failed too often in a row"
        case .notSent(.rateLimited): "not sent: the gateway's rate limit has no room in the time for the call"
        case .notSent(.cannotConnect(let why)): "not sent: no connection (\(why))"
        case .notSent(.cannotCall(let why)): "not sent: this process cannot make the call (\(why))"
        case .notSent(.deadline): "not sent: the time for the call was over before it could be sent"
        case .notSent(.noToken(let why)), .notSent(.noTokenYet(let why, _)): "not sent: no token (\(why))"
        case .notSent(.misconfigured(let why)): "not sent: \(why)"
        case .unknown(.timedOut): "no answer in time"
        case .unknown(.connectionLost(let why)): "connection lost before the answer (\(why))"
        case .unknown(.serverError(let status, _)): "FlexFactor answered \(status)"
        case .unknown(.barred(let status)): "the way to FlexFactor is barred (\(status))"
        case .unknown(.unreadable(let why)): "the answer cannot be read (\(why))"
        case .unknown(.otherAccount): "FlexFactor showed an order of another account"
        case .unknown(.otherRecovery): "the answer is another call's: it names the order of another recovery"
        case .unknown(.unconfirmed(let why, _)): "the list shows an order whose own page does not say how it stands (\(why))"
        case .unknown(.unclear(let words)): "FlexFactor shows the order as paid, and says something else besides (\(words))"
        case .throttled: "FlexFactor answered 429: too many requests"
        case .conflict: "FlexFactor answered 409: this request is in progress, or was made with other content"
        case .refused(let status, let errors): "FlexFactor refuses (\(status))" + errors.map { "; \($0.path): \($0.message)" }.joined()
        }
    }

    /// What an operator does about it.
    package var advice: String {
        switch self {
        case .notSent(.cannotConnect), .notSent(.noTokenYet): "Check the gateway's environment, the network and FlexFactor's status."
        case .notSent(.cannotCall):
            "FlexFactor was not even asked. Look at this process: its rights and network policy, and its limit of open files."
        case .notSent(.noToken): "Check appKey, appSecret, mid and hmacSigningKey of the gateway."
        case .notSent(.misconfigured): "Mend the configuration and reload it."
        case .notSent(.rateLimited): "Raise maxRequestsPerSecond, or spread the load."
        case .unknown(.barred): "Check the gateway's environment, mid and keys, and what stands between here and FlexFactor."
        case .unknown(.otherAccount): "Check the gateway's mid and keys. FlexFactor's portal tells whose the order is."
        case .unknown(.otherRecovery): "Look for what stands between here and FlexFactor: something answers calls twice."
        case .unknown(.unclear): "Look at the order in FlexFactor's portal; it is asked for until it says one thing."
        case .refused: "Compare the fields named with what the CRM sends."
        case .notSent(.circuitOpen), .notSent(.deadline), .unknown, .throttled, .conflict: "If it goes on, ask FlexFactor."
        }
    }
}

extension CallFailure.NotSent {
    /// In a word, as the journal tells it.
    package var word: String {
        switch self {
        case .circuitOpen: "circuit_open"
        case .rateLimited: "rate_limited"
        case .cannotConnect: "cannot_connect"
        case .cannotCall: "cannot_call"
        case .deadline: "too_late"
        case .noToken: "no_token"
        case .noTokenYet: "no_token_yet"
        case .misconfigured: "misconfigured"
        }
    }
}
