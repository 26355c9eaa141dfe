import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Pipeline

/// FlexFactor refuses a charge as it stands: that is the one end of its publication, whoever tells it, and however often it comes.
@Suite struct RefusedCopyTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let fault = FieldError(path: "Payer.Email", message: "no")
    private let claims = MemoryClaims()
    private let clock = ManualClock(Self.now)
    private let refusing = ScriptedFlexFactor(.failed(.refused(status: 400, [Self.fault])))
    private let paid = ScriptedFlexFactor(.evaluated(.approved, "g-1"))

    private func recovery(_ mode: MITMode? = nil, edition: UInt64? = 7) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let was = sample.charge!
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: mode == nil ? .sale : .rerun,
            sequence: mode == nil ? 0 : 1)
        var recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: mode.map { .retry($0, until: Self.now + .days(5)) } ?? sample.route,
            charge: Charge(
                reference: reference, isMerchantInitiated: mode != nil, isRecurring: false, expiry: nil, customerIP: was.customerIP,
                amount: was.amount, declinedAt: Self.now, decline: was.decline, payer: was.payer, billing: was.billing, shipping: nil,
                paymentMethod: was.paymentMethod, items: []), order: sample.order, verdict: sample.verdict, reply: nil)
        recovery.edition = edition
        return recovery
    }

    private func handle(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor) async -> StageOutcome {
        let message = IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
        let environment = StageEnvironment.sample(clock, claims: claims)
        if case .cascade = recovery.route {
            return await CascadeStage(in: environment, flexFactor: flexFactor).handle(message)
        }
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(message)
    }

    private func ids(_ handled: StageOutcome) throws -> [String?] { try handled.results().map { $0["id"]?.string } }

    private func letters(_ handled: StageOutcome) -> [String] {
        handled.publishing.filter { $0.destination == .deadLetters }.map(\.messageID)
    }

    /// Its pod may have died before it was told, or the event was published twice; and the copy may come when its time is over.
    @Test(arguments: [nil, .managed, .sync] as [MITMode?])
    func aCopyOfWhatWasRefusedIsToldTheSame(mode: MITMode?) async throws {
        let recovery = recovery(mode)
        let first = await handle(recovery, refusing)
        let told = try first.results()
        #expect(try ids(first) == [recovery.reference.text + "/rejected/post-1"] && letters(first).count == 1)
        #expect(told.first?["data"]?["faults"]?.array?.first?["path"]?.string == Self.fault.path)
        for wait in [0, 20, 600_000] as [Int64] {
            clock.pass(.seconds(wait))
            let again = await handle(recovery, paid)
            #expect(try again.results() == told && letters(again) == letters(first) && again.entry.fate == first.entry.fate, "\(wait)")
        }
        #expect(paid.calls.isEmpty)
    }

    /// A copy that had seen another's request looks for its order first, and hears of the refusal then.
    @Test func aCopyThatSoughtTheOrderIsToldTheSame() async throws {
        let recovery = recovery(.managed)
        let first = await handle(recovery, refusing)
        var copy = Recovery(
            merchantID: "acme", gatewayID: "42", route: recovery.route, reference: recovery.reference, amount: recovery.amount,
            declinedAt: Self.now, order: recovery.order, verdict: recovery.verdict, reply: nil, charge: recovery.charge,
            phase: .seeking(nil))
        copy.edition = 7
        let silent = ScriptedFlexFactor(.notListed)
        let again = await handle(copy, silent)
        #expect(try again.results() == first.results() && !silent.calls.contains(where: { $0.charges }))
    }

    /// Another copy was sent meanwhile, or FlexFactor has taken the order from it: that this one is refused is no word about it.
    @Test(arguments: [nil, .managed] as [MITMode?], [false, true])
    func aRefusalBesideAnotherCopyIsNoEnd(mode: MITMode?, isTaken: Bool) async throws {
        let recovery = recovery(mode)
        let (claims, fault) = (claims, Self.fault)
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .evaluate = call else { return .notListed }
            let copy = claims.append(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now), by: "w-2")
            if isTaken { claims.append(ClaimRequest(.exists(answering: copy.id), of: recovery, telling: nil, at: Self.now), by: "w-2") }
            return .failed(.refused(status: 400, [fault]))
        }
        let handled = await handle(recovery, flexFactor)
        #expect(try handled.results().isEmpty && letters(handled).isEmpty)
        guard case .delayed? = handled.publishing.first?.destination else {
            Issue.record("it is put away")
            return
        }
    }

    /// FlexFactor has the order of another copy, as the claims tell: nothing of it is cancelled because a repeat is refused.
    @Test func whatAnotherCopyRunsIsNotCancelled() async throws {
        let recovery = recovery(.managed)
        let id = claims.append(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now), by: "w-2").id
        claims.append(ClaimRequest(.exists(answering: id), of: recovery, telling: nil, at: Self.now), by: "w-2")
        let fault = Self.fault
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .evaluate = call { .failed(.refused(status: 400, [fault])) } else { .notListed }
        }
        var next = recovery
        for _ in 0..<12 {
            let handled = await handle(next, flexFactor)
            #expect(try handled.results().isEmpty)
            guard case .delayed(_, let delay)? = handled.publishing.first?.destination,
                case .recovery(let parked)? = handled.publishing.first.map({ WorkEnvelope.decode($0.body) })
            else { break }
            next = parked
            clock.pass(delay)
        }
        #expect(clock.now() > Self.now + .minutes(10))
        #expect(!flexFactor.calls.contains { if case .cancelByReference = $0 { true } else { false } })
    }

    /// A corrected event is the next post, and so is what a person sends again.
    @Test func anotherPublicationIsTheNextPost() async throws {
        _ = await handle(recovery(), refusing)
        let corrected = await handle(recovery(edition: 8), refusing)
        #expect(try ids(corrected) == [recovery().reference.text + "/rejected/post-2"])
        #expect(try ids(await handle(recovery(edition: 8), paid)) == ids(corrected) && paid.calls.isEmpty)
        _ = await handle(recovery().sentAgain(), paid)
        guard case .evaluate(_, let key)? = paid.calls.first else {
            Issue.record("\(paid.calls)")
            return
        }
        #expect(key == recovery().idempotencyKey(of: .evaluate(post: 3)))
    }

    /// Whoever sends it may die, and send it twice.
    @Test func whatAPersonSendsTwiceAtOnceIsOnePost() async throws {
        _ = await handle(recovery(), refusing)
        let first = await handle(recovery().sentAgain(as: 9), refusing)
        #expect(try ids(first) == [recovery().reference.text + "/rejected/post-2"])
        let second = await handle(recovery().sentAgain(as: 9), paid)
        #expect(try second.results() == first.results() && paid.calls.isEmpty)
    }

    /// A reloaded mapping sends the copy another way.
    @Test func aCopyThatIsSkippedNowIsToldTheSame() async throws {
        let recovery = recovery()
        let first = await handle(recovery, refusing)
        let skip = ResultEvent(of: recovery, .skipped(.paused), at: Self.now)
        func tell(_ edition: UInt64) async -> Teller.Telling {
            await Teller(claims: claims).tell(
                skip, .unsent, of: recovery.reference, merchant: "acme", debt: nil, until: Self.now + .days(40), edition: edition)
        }
        guard case .again(let record) = await tell(7) else {
            Issue.record("it is told as skipped besides")
            return
        }
        #expect(record.fate == first.entry.fate)
        let told = try ids(first).compactMap(\.self)
        #expect(record.messages(reply: nil, traceparent: nil).map(\.messageID) == told)
        guard case .tell(let other) = await tell(8) else {
            Issue.record("another publication is not told")
            return
        }
        #expect(other.kind == .skipped)
    }

    /// A pod died behind its request, and FlexFactor refuses each repeat of it: nothing waits for its expiry.
    @Test(arguments: [MITMode.managed, .sync]) func whatIsRefusedAgainAndAgainWasRefused(mode: MITMode) async throws {
        let recovery = recovery(mode)
        _ = await claims.claim(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now))
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .failed(.refused(status: 400, [Self.fault]))
            case .cancelByReference: .noSuchOrder
            default: .notListed
            }
        }
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(recovery) { await stage.handle($0) }
        #expect(timeline.reasons == [ResultReason.rejected(.refusedByFlexFactor).code], "\(timeline.lines)")
        #expect(timeline.letters.map(\.handling) == [.replay] && clock.now() < Self.now + .minutes(60))
        let keys = Set(flexFactor.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } })
        #expect(keys == [recovery.idempotencyKey(of: .evaluate(post: 1))])
        // What is sent again from the letter is the next post.
        let letter = try #require(timeline.letters.first)
        guard case .recovery(let kept) = WorkEnvelope.decode(letter.original.redactedBody) else {
            Issue.record("the letter holds no recovery")
            return
        }
        #expect(kept.sentAgain(isRefused: true).phase == .due && kept.sentAgain().edition == nil)
    }

    /// Another publication's refusal is told while this one asks for its order: this one is posted next, and asks for nothing for ever.
    @Test(arguments: [MITMode.managed, .sync]) func whatWasToldOfAnotherPublicationMeanwhileIsNotAskedForEver(mode: MITMode) async throws {
        let recovery = recovery(mode, edition: 8)
        let (claims, fault) = (claims, Self.fault)
        let first = claims.append(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now), by: "w-2").id
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: return .failed(.refused(status: 400, [fault]))
            case .cancelByReference:
                claims.append(ClaimRequest(.refused(first), of: recovery, telling: nil, at: Self.now), by: "w-2")
                return .noSuchOrder
            default: return .notListed
            }
        }
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var timeline = StageTimeline(.retry, clock)
        try await timeline.run(recovery) { await stage.handle($0) }
        #expect(timeline.results.map { $0["id"]?.string } == [recovery.reference.text + "/rejected/post-2"], "\(timeline.lines)")
        #expect(clock.now() < Self.now + .minutes(60))
        guard case .evaluate(_, let key)? = flexFactor.calls.last else {
            Issue.record("\(flexFactor.calls)")
            return
        }
        #expect(key == recovery.idempotencyKey(of: .evaluate(post: 2)))
    }
}
