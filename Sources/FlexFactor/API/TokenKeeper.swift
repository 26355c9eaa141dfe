import DeclineRecovery
import JSON
import NIOCore
import Synchronization

/// The bearer token of one gateway: fetched once however many calls wait, renewed before it ends, dropped once on a 401
/// (behaviour.md §8).
final class TokenKeeper: Sendable {
    /// A token and when it ends, by the clock that nobody sets.
    struct Token: Sendable, Hashable {
        /// What the header of each call says: `Bearer` and the token.
        let authorization: Secret
        let expires: Moment
        /// From here on it is renewed while it still serves: a minute before its end, and never in the first half of a short life, or each
        /// call would fetch another one.
        let renewable: Moment

        init(bearer: Secret, life: Moment.Span, uptime: Moment) {
            authorization = Secret("Bearer " + bearer.exposed)
            expires = uptime + life
            renewable = uptime + .milliseconds(max(life.milliseconds - 60_000, life.milliseconds / 2))
        }

        /// - Parameter told: the answer's `expires`: milliseconds since 1970 as documented, and whatever else may mean the same. A token whose
        ///   end is not understood is a token all the same: it serves for a while, and a 401 says when it does not any more.
        ///   Where the clocks here and there disagree about its life, a 401 renews it.
        init(bearer: Secret, told: JSONValue?, now: Moment, uptime: Moment) {
            let end = min(max(Self.end(told, now) ?? now + .minutes(5), now + .seconds(30)), now + .days(1))
            self.init(bearer: bearer, life: end - now, uptime: uptime)
        }

        private static func end(_ told: JSONValue?, _ now: Moment) -> Moment? {
            guard let told else { return nil }
            if let text = told.string, let moment = Moment(rfc3339: text) ?? Moment(rfc1123: text) { return moment }
            guard let number = told.int64 ?? told.string.flatMap({ Int64($0) }) else { return nil }
            return switch number {
            // A life in seconds, as OAuth's expires_in has it; seconds since 1970; milliseconds.
            case 1..<1_000_000_000: now + .seconds(number)
            case 1_000_000_000..<100_000_000_000: Moment(milliseconds: number * 1_000)
            case 100_000_000_000..<100_000_000_000_000: Moment(milliseconds: number)
            default: nil
            }
        }
    }

    /// Why there is none; told to every call that waited.
    struct Failure: Error, Sendable, Hashable {
        let why: String
        /// FlexFactor refuses the keys; otherwise it could not be asked, which may pass.
        let isRefusal: Bool
        /// It could not even be asked: this process cannot make calls.
        var isOurs = false
        /// For how long FlexFactor asks not to be asked again; at most `longestPause`.
        var retryAfter: Moment.Span?
    }

    typealias Outcome = Result<Token, Failure>

    private struct State {
        var token: Token?
        var isFetching = false
        var waiting: [Int: CheckedContinuation<Outcome?, Never>] = [:]
        var lastWaiting = 0
        var lastFailure: (failure: Failure, at: Moment)?
        /// Since when each answer was that FlexFactor wants to be left alone.
        var barredSince: Moment?
        var hasHadOne = false

        /// Why the last try failed, where it is too early for another; with what is left of the time that FlexFactor asked for.
        func justFailed(_ now: Moment) -> Failure? {
            guard let (failure, at) = lastFailure, now >= at else { return nil }
            let wait = failure.retryAfter ?? .seconds(0)
            guard now - at < max(Self.failurePause, wait) else { return nil }
            var left = failure
            left.retryAfter = failure.retryAfter.map { _ in max(wait + .milliseconds(-(now - at).milliseconds), .seconds(0)) }
            return left
        }

        /// How long a failure is repeated to new calls instead of asking again.
        private static let failurePause = Moment.Span.seconds(1)
    }

    /// The same where FlexFactor asks for it, whatever a header says: no call of the gateway's can be made meanwhile.
    static let longestPause = Moment.Span.minutes(15)

    private enum Action {
        case use(Token, renew: Bool)
        case fail(Failure)
        case fetch
        case wait
    }

    private let state = Mutex(State())
    /// A token this close to its end does not serve any more: the call would outlive it.
    private let leastLife = Moment.Span.seconds(5)

    /// What the header of calls says, or said last.
    var authorization: Secret? { state.withLock { $0.token?.authorization } }

    /// The token at hand, where nothing is to be done for it. So it is with nearly every call, which then waits for nobody.
    func ready(at uptime: Moment) -> Token? {
        state.withLock { state in
            guard let token = state.token, uptime + leastLife < token.expires, uptime < token.renewable else { return nil }
            return token
        }
    }

    /// The token to use now; `nil` where none came in time.
    ///
    /// - Parameters:
    ///   - patience: how long this call can wait. The fetch goes on for the others.
    ///   - fetch: asks FlexFactor; runs once for all who wait.
    func token(
        uptime: @escaping @Sendable () -> Moment, patience: Moment.Span, on eventLoop: any EventLoop,
        fetch: @escaping @Sendable () async -> Outcome
    ) async -> Outcome? {
        switch decide(uptime()) {
        case .use(let token, let renew):
            if renew { Task { await settle(fetch(), now: uptime()) } }
            return .success(token)
        case .fail(let failure): return .failure(failure)
        case .fetch:
            Task { await settle(fetch(), now: uptime()) }
            return await wait(patience, eventLoop)
        case .wait: return await wait(patience, eventLoop)
        }
    }

    private func wait(_ patience: Moment.Span, _ eventLoop: any EventLoop) async -> Outcome? {
        await withCheckedContinuation { continuation in
            let (early, number): (Outcome?, Int) = state.withLock { state in
                if state.isFetching {
                    state.lastWaiting += 1
                    state.waiting[state.lastWaiting] = continuation
                    return (nil, state.lastWaiting)
                }
                // The fetch ended between the decision and here.
                if let token = state.token { return (.success(token), 0) }
                return (.failure(state.lastFailure?.failure ?? Failure(why: "the token was dropped; ask again", isRefusal: false)), 0)
            }
            if let early { return continuation.resume(returning: early) }
            eventLoop.scheduleTask(in: .milliseconds(max(patience.milliseconds, 0))) { [self] in
                state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: nil)
            }
        }
    }

    private func decide(_ now: Moment) -> Action {
        state.withLock { state in
            if let token = state.token, now + leastLife < token.expires {
                let renew = now >= token.renewable && !state.isFetching && state.justFailed(now) == nil
                if renew { state.isFetching = true }
                return .use(token, renew: renew)
            }
            if state.isFetching { return .wait }
            if let failure = state.justFailed(now) { return .fail(failure) }
            state.isFetching = true
            return .fetch
        }
    }

    private func settle(_ outcome: Outcome, now: Moment) {
        let waiting = state.withLock { state in
            state.isFetching = false
            switch outcome {
            case .success(let token):
                state.token = token
                state.hasHadOne = true
                (state.lastFailure, state.barredSince) = (nil, nil)
            case .failure(let failure):
                state.lastFailure = (failure, now)
                state.barredSince = failure.retryAfter == nil ? nil : state.barredSince ?? now
            }
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }

    /// Whether there ever was a token, and, where there never was one, why the last try failed; `nil` before the first has ended.
    var history: (hasHadOne: Bool, lastFailure: Failure?) { state.withLock { ($0.hasHadOne, $0.lastFailure?.failure) } }

    /// While FlexFactor asks not to be asked for one, for half a minute or longer, and until it was asked again: why, since when, and until when.
    /// `nil` where a token serves.
    func bar(at now: Moment) -> (failure: Failure, since: Moment, until: Moment)? {
        state.withLock { state in
            if let token = state.token, now + leastLife < token.expires { return nil }
            guard let (failure, at) = state.lastFailure, let wait = failure.retryAfter, now < at + wait + Self.shortBar else { return nil }
            let since = state.barredSince ?? at
            return wait >= Self.shortBar || now >= since + Self.shortBar ? (failure, since, at + wait) : nil
        }
    }

    private static let shortBar = Moment.Span.seconds(30)

    /// Whether calls can be made with the one at hand, whatever becomes of its renewal.
    func serves(at now: Moment) -> Bool { state.withLock { state in state.token.map { now + leastLife < $0.expires } ?? false } }

    /// FlexFactor answered 401 to this token. A newer one, fetched meanwhile, stays.
    func drop(_ token: Token) {
        state.withLock { state in
            if state.token == token { state.token = nil }
        }
    }
}
