package import DeclineRecovery
import NIOCore

extension FlexFactorClient {
    /// Exchanges a card for FlexFactor's token of it. Repeating it is harmless: a card may have several tokens.
    package func tokenize(_ card: ClearCard, on lane: HTTPLane, traceparent: String?, deadline: Moment) async -> Result<
        CardToken, CallFailure
    > {
        guard let key = credentials.environmentKey else {
            return .failure(.notSent(.misconfigured("the gateway has no environmentKey, which tokenize needs")))
        }
        let number = beganCall()
        let refusal = await admission(lane, deadline, isCharge: false)
        let start = NIODeadline.now()
        let outcome: Result<CardToken, CallFailure> =
            if let refusal { .failure(refusal) } else { await tokenize(card, key, lane, traceparent, deadline) }
        endedCall(number)
        var failure: CallFailure?
        if case .failure(let why) = outcome { failure = why }
        observe(
            Observation(
                call: CallName.tokenize.rawValue, outcome: failure.map { FlexFactorAnswer.failed($0).name } ?? "token",
                nanoseconds: (NIODeadline.now() - start).nanoseconds,
                failure: failure))
        return outcome
    }

    private func tokenize(
        _ card: ClearCard, _ key: Secret, _ lane: HTTPLane, _ traceparent: String?, _ deadline: Moment
    ) async -> Result<CardToken, CallFailure> {
        let path = "/tokenize?mid=\(credentials.mid.percentEncoded)&environment=\(key.exposed.percentEncoded)"
        let request = signed(post(path, card.body, traceparent))
        let outcome = await lane.execute(
            request, to: credentials.origin, authorities: credentials.authorities, deadline: httpDeadline(deadline))
        let result: Result<CardToken, CallFailure> =
            switch outcome {
            case .answered(let response) where (200..<300).contains(response.status):
                FlexFactorResponse.token(response).map(Result.success)
                    ?? .failure(.unknown(.unreadable("tokenize answered without a token")))
            case .answered(let response) where response.status == 401 || response.status == 403:
                .failure(.notSent(.noToken("FlexFactor refuses mid or environmentKey (\(response.status))")))
            case .answered(let response): .failure(failure(response, without: withheld(nil, card)))
            default: .failure(outcome.failure)
            }
        if case .failure(let why) = result { report(.failed(why), isCharge: false) } else { report(.notListed, isCharge: false) }
        return result
    }
}
