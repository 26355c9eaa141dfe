import JSON
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// FlexFactor authorises a retry, and its capture does not go through at once: the CRM hears that FlexFactor has it, long before its end.
@Suite struct UncapturedRetryTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims(now: now)

    private func retry(_ mode: MITMode) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(mode, until: Self.now + .days(5)),
            reference: RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1),
            amount: sample.amount, declinedAt: Self.now, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge)
    }

    private func stage(_ flexFactor: ScriptedFlexFactor) -> RetryStage {
        RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
    }

    /// - Parameter isHeard: whether the answer to `evaluate` arrives.
    private func flexFactor(_ failure: CallFailure, times: Int, isHeard: Bool = true) -> ScriptedFlexFactor {
        let state = Mutex((isPosted: false, failures: 0))
        return ScriptedFlexFactor { call, _ in
            state.withLock { state in
                switch call {
                case .evaluate:
                    state.isPosted = true
                    return isHeard ? .evaluated(.captureRequired, "g-1") : .failed(.unknown(.timedOut))
                case .capture:
                    state.failures += 1
                    return state.failures > times ? .captured : .failed(failure)
                case .find, .lookUp: return state.isPosted ? .order(.captureRequired) : .notListed
                default: return .noSuchOrder
                }
            }
        }
    }

    private static let failures: [CallFailure] = [
        .refused(status: 400, []), .unknown(.barred(status: 404)), .conflict, .unknown(.serverError(status: 500)),
        .throttled(retryAfter: .seconds(600)), .unknown(.unreadable("PENDING")), .notSent(.cannotConnect("refused")),
        .notSent(.circuitOpen(until: now + .seconds(30))),
    ]

    @Test(arguments: MITMode.allCases, failures)
    func itIsToldOnceAsSubmitted(mode: MITMode, failure: CallFailure) async throws {
        let flexFactor = flexFactor(failure, times: 4)
        let stage = stage(flexFactor)
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(retry(mode)) { await stage.handle($0) }
        #expect(timeline.reasons == ["submitted", "captured"] && timeline.lines.first == "told submitted", "\(timeline.lines)")
        let submitted = timeline.results.first?["data"]
        #expect(submitted?["recoveryReference"]?.string == retry(mode).reference.text && submitted?["final"]?.bool == false)
        #expect(submitted?["action"]?["name"]?.string == "await_result" && submitted?["flexFactor"]?["orderId"]?.string == "g-1")
        let keys = flexFactor.calls.compactMap { if case .capture(_, _, let key) = $0 { key } else { nil } }
        #expect(keys.count == 5 && Set(keys).count == 1)
    }

    @Test(arguments: MITMode.allCases)
    func whatIsCapturedAtOnceIsToldAsApprovedAlone(mode: MITMode) async throws {
        let stage = stage(flexFactor(.conflict, times: 0))
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(retry(mode)) { await stage.handle($0) }
        #expect(timeline.lines == ["told approved"] && timeline.reasons == ["captured"])
    }

    /// The answer to `evaluate` was lost; a look shows the order.
    @Test(arguments: MITMode.allCases)
    func whatALookShowsAsAuthorisedIsToldAsWell(mode: MITMode) async throws {
        let stage = stage(flexFactor(.unknown(.serverError(status: 500)), times: 3, isHeard: false))
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(retry(mode)) { await stage.handle($0) }
        #expect(timeline.reasons == ["submitted", "captured"] && clock.now() < Self.now + .days(1), "\(timeline.lines)")
    }

    /// What a managed retry has handed over FlexFactor needs no more; a sync one may be posted again.
    @Test(arguments: MITMode.allCases, failures)
    func nobodysNameIsKeptMeanwhile(mode: MITMode, failure: CallFailure) async throws {
        let flexFactor = flexFactor(failure, times: .max)
        let handled = await stage(flexFactor).handle(
            IncomingMessage(body: WorkEnvelope.encode(retry(mode)), type: WorkEnvelope.type))
        guard case .recovery(let parked)? = handled.publishing.last.map({ WorkEnvelope.decode($0.body) }) else {
            Issue.record("\(handled.publishing.map(\.destination))")
            return
        }
        #expect((parked.charge == nil) == (mode == .managed) && parked.phase.orderID == "g-1")
        let standing = claims.standing(of: parked.reference, merchant: "acme")
        #expect(standing?.exists == true && standing?.namedAt != nil)
    }

    /// A capture whose answer was lost stands as asked; one that was refused or not sent leaves nothing open.
    @Test func whatStandsIsWhatIsNotKnown() async throws {
        let cases: [(CallFailure, Bool)] = [
            (.unknown(.timedOut), true), (.refused(status: 400, []), false), (.notSent(.rateLimited), false),
        ]
        for (failure, isAsking) in cases {
            let claims = MemoryClaims(now: Self.now)
            let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor(failure, times: .max), cancels: Cancels())
            _ = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(retry(.managed)), type: WorkEnvelope.type))
            let standing = claims.standing(of: retry(.managed).reference, merchant: "acme")
            #expect(standing?.isAsking == isAsking && standing?.exists == true, "\(failure)")
        }
    }

    /// What could not be claimed was not told, and is told when it can be.
    @Test func whileNoClaimCanBeMadeNothingIsTold() async throws {
        let claims = claims
        let captures = Mutex(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: return .evaluated(.captureRequired, "g-1")
            case .capture:
                let isFirst = captures.withLock { captures in
                    captures += 1
                    return captures == 1
                }
                if isFirst { claims.isReachable = false }
                return .failed(.refused(status: 400, []))
            default: return .order(.captureRequired)
            }
        }
        let held = await stage(flexFactor).handle(IncomingMessage(body: WorkEnvelope.encode(retry(.managed)), type: WorkEnvelope.type))
        #expect(try held.results().isEmpty)
        claims.isReachable = true
        let next = try #require(held.publishing.first)
        let told = await stage(flexFactor).handle(IncomingMessage(body: next.body, type: WorkEnvelope.type))
        #expect(told.entry.fate == .told(.submitted, reason: "submitted"))
    }

    /// A person who sends it again hears what came of that.
    @Test func whatIsHandedBackIsToldAnew() {
        var recovery = retry(.managed)
        recovery.phase = .seeking("g-1")
        recovery.isSubmitted = true
        guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(recovery)),
            case .handBack(let back) = read.takenUp(now: Self.now)
        else {
            Issue.record("it was not handed back")
            return
        }
        #expect(read.isSubmitted && !back.isSubmitted && !read.sentAgain().isSubmitted)
    }

    /// FlexFactor refused the first publication of the event, and takes the second.
    @Test func aCorrectedSyncRetryIsToldAsSubmitted() async throws {
        let posts = Mutex(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .evaluate = call else { return .notListed }
            let number = posts.withLock { posts in
                posts += 1
                return posts
            }
            return
                switch number
            {
            case 1: .failed(.refused(status: 400, [FieldError(path: "Payer.Email", message: "no")]))
            case 2...3: .evaluated(.declined, "g-1")
            default: .evaluated(.approved, "g-1")
            }
        }
        let stage = stage(flexFactor)
        let refused = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(retry(.sync)), type: WorkEnvelope.type))
        #expect(refused.entry.fate == .rejected(reason: "refused_by_flexfactor"))
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(retry(.sync)) { await stage.handle($0) }
        #expect(timeline.reasons == ["submitted", "approved"], "\(timeline.lines)")
    }
}
