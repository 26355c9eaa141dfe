package import DeclineRecovery
import JSON
import NIOCore
import Synchronization

/// FlexFactor for one gateway: its keys, its token, its circuit and its rate, shared by all lanes of the process.
///
/// `perform` makes one call and answers in the recovery's words. It never throws: a failure says whether money may have moved.
package final class FlexFactorClient: Sendable {
    package let credentials: GatewayCredentials
    let now: @Sendable () -> Moment
    /// Time for what is measured here alone. The clock on the wall may be set; then a circuit would stay open, a rate refuse, or a token
    /// serve, for as long as it was set back.
    private let uptime: @Sendable () -> Moment
    let observe: @Sendable (Observation) -> Void
    private let tokens = TokenKeeper()
    private let guards: Mutex<Guards>

    private struct Guards {
        var breaker: CircuitBreaker
        /// Only for what would take money: where `evaluate` is barred, orders may still be asked about.
        var wayIn: CircuitBreaker
        /// Since when its keys are refused, and how; `nil` as soon as a call goes well with them.
        var refusal: Refusal?
        var rate: RateLimit?
        var pace = CallPace()
    }

    /// That the gateway's keys are missing or refused: no call is made with them, and what is to be charged now is skipped.
    package struct Refusal: Sendable, Equatable {
        package let since: Moment
        package let words: String
    }

    package var refusal: Refusal? { guards.withLock(\.refusal) }

    package init(
        _ credentials: GatewayCredentials, now: @escaping @Sendable () -> Moment,
        observe: @escaping @Sendable (Observation) -> Void = { _ in },
        uptime: @escaping @Sendable () -> Moment = FlexFactorClient.uptime
    ) {
        self.credentials = credentials
        self.now = now
        self.uptime = uptime
        self.observe = observe
        guards = Mutex(
            Guards(
                breaker: CircuitBreaker(), wayIn: CircuitBreaker(threshold: 5),
                rate: credentials.maxRequestsPerSecond.map(RateLimit.init(perSecond:))))
    }

    /// The time since some beginning, which nobody can set.
    package static let uptime: @Sendable () -> Moment = { Moment(milliseconds: Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000)) }

    /// How its circuit stands: the worse of the two, where calls as such and charges alone have their own. As open, too, while FlexFactor asks
    /// not to be asked for a token: nothing is called then.
    package var circuit: CircuitStanding {
        let (uptime, wall) = (uptime(), now())
        let (all, charges) = guards.withLock { guards in
            (
                CircuitStanding(guards.breaker, uptime: uptime, wall: wall),
                CircuitStanding(guards.wayIn, uptime: uptime, wall: wall)
            )
        }
        if let bar = tokens.bar(at: uptime) { return CircuitStanding(bar, uptime: uptime, wall: wall) }
        return charges.state.rawValue > all.state.rawValue ? charges : all
    }

    /// Whether what is to be called here waits long for those that are called.
    package var isSlow: Bool {
        let uptime = uptime()
        return guards.withLock { $0.pace.isSlow(now: uptime) }
    }

    func beganCall() -> Int {
        let uptime = uptime()
        return guards.withLock { $0.pace.began(now: uptime) }
    }

    func endedCall(_ number: Int) { guards.withLock { $0.pace.ended(number) } }

    /// Whether calls can be made at all, which a token proves; without one, why not.
    package enum Reach: Sendable, Equatable {
        /// There was a token: whatever fails since then is FlexFactor's state and not ours.
        case proven
        /// No try to get one has ended yet.
        case untried
        case unproven(CallFailure.NotSent)
    }

    package var reach: Reach {
        let (hasHadOne, failure) = tokens.history
        return hasHadOne ? .proven : failure.map { .unproven($0.notSent) } ?? .untried
    }

    /// Gets a token unless there is one, beside circuit and rate: it is asked for once, to see whether calls can be made.
    package func proveReach(on lane: HTTPLane) async -> Reach {
        if reach != .proven { _ = await token(lane, until: now() + .seconds(12)) }
        return reach
    }

    /// Makes a call and returns at the latest at `deadline`.
    ///
    /// - Parameter writtenBy: when its request must have been written, whatever it waits for before; later it is not sent.
    package func perform(
        _ call: FlexFactorCall, on lane: HTTPLane, traceparent: String?, deadline: Moment, writtenBy: ContinuousClock.Instant? = nil
    ) async -> FlexFactorAnswer {
        let isCharge = if case .evaluate = call { true } else { false }
        let number = beganCall()
        let refusal = await admission(lane, deadline, writtenBy: writtenBy, isCharge: isCharge)
        let start = NIODeadline.now()
        let answer =
            if let refusal {
                FlexFactorAnswer.failed(refusal)
            } else {
                await admitted(call, lane, traceparent, deadline, writtenBy, isCharge: isCharge)
            }
        endedCall(number)
        observe(
            Observation(
                call: call.name, outcome: answer.name, nanoseconds: (NIODeadline.now() - start).nanoseconds, failure: answer.failure))
        return answer
    }

    private func admitted(
        _ call: FlexFactorCall, _ lane: HTTPLane, _ traceparent: String?, _ deadline: Moment, _ writtenBy: ContinuousClock.Instant?,
        isCharge: Bool
    ) async -> FlexFactorAnswer {
        let answer =
            if case .find(let reference, let since) = call {
                await find(reference, since, lane, traceparent, deadline)
            } else {
                await send(call, lane, traceparent, deadline, writtenBy)
            }
        report(answer, isCharge: isCharge)
        return answer
    }

    /// Whether a call may be made: `nil` when circuit and rate let it through.
    func admission(
        _ lane: HTTPLane, _ deadline: Moment, writtenBy: ContinuousClock.Instant? = nil, isCharge: Bool
    ) async -> CallFailure? {
        let uptime = uptime()
        let until = guards.withLock { guards in
            guards.breaker.refusal(now: uptime) ?? (isCharge ? guards.wayIn.refusal(now: uptime) : nil)
        }
        if let until { return .notSent(.circuitOpen(until: now() + (until - uptime))) }
        return await waitForTurn(lane, deadline, writtenBy)
    }

    func report(_ answer: FlexFactorAnswer, isCharge: Bool) {
        let uptime = uptime()
        let failure = answer.failure.map { CircuitBreaker.Failure(name: answer.name, sentence: $0.description) }
        guards.withLock { guards in
            if case .failed(.notSent(let why)) = answer {
                switch why {
                case .noToken(let words), .misconfigured(let words):
                    guards.refusal = Refusal(since: guards.refusal?.since ?? now(), words: words)
                // They say nothing of the keys.
                case .circuitOpen, .rateLimited, .cannotConnect, .noTokenYet, .cannotCall, .deadline: break
                }
            } else {
                guards.refusal = nil
            }
            switch answer.health {
            case .unsaid:
                // Somebody answers. Whether it is FlexFactor, and well, is not said; only that the way in is barred.
                if let failure, isCharge, case .failed(.unknown(.barred)) = answer { guards.wayIn.failed(failure, now: uptime, at: now()) }
            case .unwell: if let failure { guards.breaker.failed(failure, now: uptime, at: now()) }
            case .well:
                guards.breaker.succeeded()
                if isCharge { guards.wayIn.succeeded() }
            }
        }
    }

    /// Who may not write any more when the turn comes takes none: it would be lost to all who can wait for theirs.
    func waitForTurn(_ lane: HTTPLane, _ deadline: Moment, _ writtenBy: ContinuousClock.Instant? = nil) async -> CallFailure? {
        let left = deadline - now()
        let patience = writtenBy.map { min(left, Moment.Span($0 - ContinuousClock.now)) } ?? left
        let uptime = uptime()
        let wait: Moment.Span? = guards.withLock { guards in
            guards.rate == nil ? .seconds(0) : guards.rate?.reserve(now: uptime, patience: patience)
        }
        guard let wait else { return .notSent(patience > .seconds(0) ? .rateLimited : .deadline) }
        if wait > .seconds(0) { await lane.wait(.milliseconds(wait.milliseconds)) }
        return nil
    }

    private func send(
        _ call: FlexFactorCall, _ lane: HTTPLane, _ traceparent: String?, _ deadline: Moment, _ writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        switch await exchange({ self.request(call, bearer: $0, traceparent) }, lane, deadline, writtenBy) {
        case .success(let response): believed(answer(call, response), to: call, response, lane)
        case .failure(let failure): .failed(failure)
        }
    }

    /// Sends a request with the gateway's token, and once more with a new one where the first has ended.
    func exchange(
        _ request: (Secret) -> HTTPRequest, _ lane: HTTPLane, _ deadline: Moment, _ writtenBy: ContinuousClock.Instant? = nil
    ) async -> Result<HTTPResponse, CallFailure> {
        for isLastTry in [false, true] {
            let token: TokenKeeper.Token
            if let ready = tokens.ready(at: uptime()) {
                token = ready
            } else {
                switch await self.token(lane, until: deadline) {
                case .success(let fetched): token = fetched
                case .failure(let failure): return .failure(failure)
                }
            }
            switch await lane.execute(
                signed(request(token.authorization)), to: credentials.origin, authorities: credentials.authorities,
                deadline: httpDeadline(deadline), writtenBy: writtenBy)
            {
            case .answered(let response) where response.status == 401 && !Contradiction.saysOtherwise(response, of: nil):
                // Not executed. The token may have ended early; a new one is tried once.
                tokens.drop(token)
                if isLastTry {
                    let refusal = CallFailure.NotSent.noToken("FlexFactor answered 401 to a fresh token; check appKey, appSecret and mid")
                    tokenFailed(refusal, weight: 1)
                    return .failure(.notSent(refusal))
                }
            case .answered(let response): return .success(response)
            case let outcome: return .failure(outcome.failure)
            }
        }
        return .failure(.notSent(.noToken("no token")))
    }

    func httpDeadline(_ deadline: Moment) -> NIODeadline {
        .now() + .milliseconds(max((deadline - now()).milliseconds, 0))
    }

    // MARK: Answers

    func answer(_ call: FlexFactorCall, _ response: HTTPResponse) -> FlexFactorAnswer {
        let isSuccess = (200..<300).contains(response.status)
        switch call {
        case .evaluate, .recall: if isSuccess { return FlexFactorResponse.evaluated(response) }
        case .capture: if isSuccess { return FlexFactorResponse.captured(response) }
        case .refund: if isSuccess { return FlexFactorResponse.refunded(response, without: withheld(call)) }
        case .lookUp(let id):
            if isSuccess { return understood(ours(FlexFactorResponse.order(response, id)), response) }
            if response.status == 404, FlexFactorResponse.isItsNo(response) { return .noSuchOrder }
        case .cancel, .cancelByReference:
            let reference: RecoveryReference? = if case .cancelByReference(let own) = call { own } else { nil }
            if let answer = FlexFactorResponse.cancelled(response, of: reference) { return answer }
            // Of an order that FlexFactor named itself it need not say more than no.
            if case .cancel = call, [400, 422].contains(response.status), let body = FlexFactorResponse.object(response),
                !Contradiction.saysYes(body)
            {
                return .cancelRefused
            }
            if isSuccess { return .failed(.unknown(.unreadable("a cancel was answered with what is neither yes nor no"))) }
        case .find: break
        }
        return .failed(failure(response, of: call, without: withheld(call)))
    }

    /// What the words of an answer may not quote.
    func withheld(_ call: FlexFactorCall? = nil, _ card: ClearCard? = nil) -> Withheld {
        Withheld(credentials, authorization: tokens.authorization, call: call, card: card)
    }

    /// What an order of another account shows says nothing of ours, nor that there is none.
    private func ours(_ answer: FlexFactorAnswer) -> FlexFactorAnswer {
        if case .found(let order) = answer, !isOurs(order) { .failed(.unknown(.otherAccount)) } else { answer }
    }

    /// What shows the order as paid and says otherwise besides says neither. As open it would be cancelled, and posted again.
    private func understood(_ answer: FlexFactorAnswer, _ response: HTTPResponse) -> FlexFactorAnswer {
        guard case .found(let order) = answer, case .unrecognised(let words) = order.state, FlexFactorResponse.isSaidPaid(response) else {
            return answer
        }
        return .failed(.unknown(.unclear(words)))
    }

    /// What an order calls its account no document tells: only another id of the form that ours has is another account.
    func isOurs(_ order: FlexFactorOrder) -> Bool {
        guard let account = order.account.flatMap(UUID5.guid), let own = UUID5.guid(credentials.mid) else { return true }
        return account == own
    }

    /// What a status that is no success means. Only 400 and 422 in FlexFactor's own words speak of the request; the others may come from
    /// whatever stands before FlexFactor, and speak of the way.
    func failure(
        _ response: HTTPResponse, of call: FlexFactorCall? = nil, without withheld: @autoclosure () -> Withheld
    ) -> CallFailure {
        switch response.status {
        case 400 where Contradiction.saysOtherwise(response, of: call), 422 where Contradiction.saysOtherwise(response, of: call),
            429 where Contradiction.saysOtherwise(response, of: call):
            .unknown(.unreadable("a \(response.status) that names an order, or says that it went well"))
        case 409: .conflict
        case 429: .throttled(retryAfter: retryAfter(response))
        // The request may have been cut off by a time-out at the edge, after FlexFactor had it.
        case 408: .unknown(.serverError(status: 408))
        case 400 where FlexFactorResponse.isItsOwn(response), 422 where FlexFactorResponse.isItsOwn(response):
            .refused(status: response.status, FlexFactorResponse.fieldErrors(response, without: withheld()))
        case 400..<500: .unknown(.barred(status: response.status))
        default: .unknown(.serverError(status: response.status, retryAfter: retryAfter(response)))
        }
    }

    private func retryAfter(_ response: HTTPResponse) -> Moment.Span? {
        response.retryAfter.flatMap { Moment.Span(retryAfter: $0, now: now()) }
    }

    // MARK: Token

    /// The gateway's token, or why the call cannot be sent.
    private func token(_ lane: HTTPLane, until deadline: Moment) async -> Result<TokenKeeper.Token, CallFailure> {
        let outcome = await tokens.token(uptime: uptime, patience: deadline - now(), on: lane.eventLoop) { [self] in
            let begun = uptime()
            let outcome = await fetchToken(lane)
            // One that is not answered keeps all calls waiting as long. What FlexFactor asks to be left alone for is a pause of its own.
            let isSlow = uptime() - begun > .seconds(5)
            if case .failure(let failure) = outcome, isSlow || failure.retryAfter == nil, !tokens.serves(at: uptime()) {
                tokenFailed(failure.notSent, weight: isSlow ? 10 : 5)
            }
            return outcome
        }
        return outcome?.mapError { .notSent($0.notSent) } ?? .failure(.notSent(.deadline))
    }

    /// Without a token no call can be made, so a few failures in a row are enough; but a single one is a blip, however many calls it fails.
    private func tokenFailed(_ failure: CallFailure.NotSent, weight: Int) {
        if case .cannotCall = failure { return }
        let failed = CallFailure.notSent(failure)
        let told = CircuitBreaker.Failure(name: FlexFactorAnswer.failed(failed).name, sentence: failed.description)
        guards.withLock { $0.breaker.failed(told, weight: weight, now: uptime(), at: now()) }
    }

    private func fetchToken(_ lane: HTTPLane) async -> TokenKeeper.Outcome {
        var json = JSONWriter()
        json.object { body in
            body.member("AppKey", credentials.appKey.exposed)
            body.member("AppSecret", credentials.appSecret.exposed)
        }
        let request = signed(post("/oauth2/token", json.bytes, nil))
        func failed(_ why: String, isRefusal: Bool = false) -> TokenKeeper.Outcome {
            .failure(TokenKeeper.Failure(why: why, isRefusal: isRefusal))
        }
        switch await lane.execute(
            request, to: credentials.origin, authorities: credentials.authorities, deadline: .now() + .seconds(10))
        {
        case .answered(let response) where response.status == 400 || response.status == 401 || response.status == 403:
            return failed("FlexFactor refuses the keys (\(response.status)); check appKey and appSecret", isRefusal: true)
        case .answered(let response) where (200..<300).contains(response.status):
            guard let body = FlexFactorResponse.object(response), let bearer = body[anyCase: "accessToken"]?.string, !bearer.isEmpty else {
                lane.disown(response)
                return failed("the token endpoint answered without a readable token")
            }
            return .success(TokenKeeper.Token(bearer: Secret(bearer), told: body[anyCase: "expires"], now: now(), uptime: uptime()))
        case .answered(let response):
            let isOverloaded = response.status == 429 || response.status >= 500
            return .failure(
                TokenKeeper.Failure(
                    why: "the token endpoint answered \(response.status)", isRefusal: false,
                    retryAfter: isOverloaded ? retryAfter(response).map { min($0, TokenKeeper.longestPause) } : nil))
        case .notSent(.cannotCall(let why)):
            return .failure(TokenKeeper.Failure(why: "asking for the token: \(why)", isRefusal: false, isOurs: true))
        case let outcome: return failed("asking for the token: \(outcome.failure)")
        }
    }
}

extension TokenKeeper.Failure {
    var notSent: CallFailure.NotSent { isOurs ? .cannotCall(why) : isRefusal ? .noToken(why) : .noTokenYet(why, retryAfter: retryAfter) }
}
