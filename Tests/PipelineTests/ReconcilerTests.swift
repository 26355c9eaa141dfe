import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

/// A letter whose charge may have happened is asked about until it is known, and nothing is charged meanwhile.
@Suite struct ReconcilerTests {
    private static let declinedAt = Moment(milliseconds: 1_800_000_000_000)
    private static let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    private static let until = declinedAt + .days(21)
    private let cascade = Recovery.sample(declinedAt: declinedAt).at(
        .unanswered, reply: ReplyAddress(queue: "amq.gen-1", correlationID: "c"))
    private let retry = Recovery.sample(declinedAt: declinedAt).at(.watching("g-1", polls: 4), route: .retry(.managed, until: until))

    private func letter(_ recovery: Recovery, _ stage: Stage? = nil, body: [UInt8]? = nil) -> DeadLetter {
        let body = body ?? CardDataGuard.redacted(WorkEnvelope.encode(recovery))
        let isRetry = if case .retry = recovery.route { true } else { false }
        return DeadLetter(
            reason: .outcomeUnknown, explanation: "", stage: stage ?? (isRetry ? .retry : .cascade), subject: DeadLetter.Subject(recovery),
            original: DeadLetter.Original(
                exchange: "recovery.work", routingKey: "", redelivered: false, messageID: recovery.reference.text + "/work",
                type: WorkEnvelope.type,
                contentType: nil, correlationID: nil, replyTo: nil, headers: [], redactedBody: body, originalByteCount: body.count),
            identity: body, worker: .sample, writtenAt: Self.declinedAt)
    }

    private func reconcile(
        _ letter: DeadLetter, _ flexFactor: ScriptedFlexFactor, at clock: ManualClock, cancels: Cancels = Cancels(),
        patience: Moment.Span = .seconds(30), underWay: Moment.Span = .seconds(0)
    ) async -> Reconciler.Reconciliation {
        let reconciler = Reconciler(
            in: .sample(clock), flexFactor: flexFactor, cancels: cancels, wait: { await clock.wait($0) }, patience: patience,
            underWay: underWay)
        return await reconciler.reconcile(letter, traceparent: Self.traceparent)
    }

    private func long(_ after: Moment.Span = .days(2)) -> ManualClock { ManualClock(Self.declinedAt + after) }
    private var over: ManualClock { ManualClock(Self.until + .days(3)) }

    /// The kind that was told, with the code of its reason.
    private func told(_ reconciliation: Reconciler.Reconciliation) throws -> String {
        guard case .told(let kind, let messages) = reconciliation else { return "\(reconciliation)" }
        let result = try #require(messages.first)
        let value = try JSONValue(parsing: result.body.span)
        #expect(result.type == kind.messageType && value["type"]?.string == kind.messageType)
        return "\(kind.rawValue) \(value["data"]?["reason"]?["code"]?.string ?? "")"
    }

    private func words(_ reconciliation: Reconciler.Reconciliation) -> String {
        switch reconciliation {
        case .open(let words), .unanswered(let words): words
        default: "not open: \(reconciliation)"
        }
    }

    /// A worker that ended a moment ago may have a request out that FlexFactor does not show yet: "no such order" says nothing then.
    @Test func whileARequestMayBeUnderWayNobodyIsAskedAndNothingIsTold() async throws {
        let flexFactor = ScriptedFlexFactor(.noSuchOrder, .cancelAccepted, .noSuchOrder)
        let early = await reconcile(letter(cascade), flexFactor, at: long(.seconds(119)), underWay: .seconds(120))
        #expect(words(early).contains("may still be under way") && flexFactor.calls.isEmpty)
        #expect(
            try told(await reconcile(letter(cascade), flexFactor, at: long(.seconds(120)), underWay: .seconds(120)))
                == "declined not_charged_on_look_up")
    }

    // MARK: What is known

    @Test(arguments: [FlexFactorOrder.State.completed, .returned, .chargeback])
    func whatWasPaidIsToldAsApproved(state: FlexFactorOrder.State) async throws {
        for (recovery, clock) in [(cascade, long()), (retry, over)] {
            let flexFactor = ScriptedFlexFactor(.order(state))
            #expect(try told(await reconcile(letter(recovery), flexFactor, at: clock)) == "approved approved_on_look_up")
            #expect(flexFactor.calls.count == 1 && clock.waits.isEmpty)
        }
    }

    @Test func theResultAndTheJournalsLineAreWhatIsPublished() async throws {
        let clock = long()
        let reconciliation = await reconcile(letter(cascade), ScriptedFlexFactor(.order(.completed)), at: clock)
        guard case .told(.approved, let messages) = reconciliation else {
            Issue.record("\(reconciliation)")
            return
        }
        // Nobody waits at the checkout any more: no reply.
        #expect(
            messages.map(\.destination) == [.results(.newSale, .approved), .journal]
                && messages.allSatisfy { $0.traceparent == Self.traceparent })
        let result = messages[0].body
        let data = try JSONValue(parsing: result.span)["data"]
        #expect(data?["recoveryReference"]?.string == cascade.reference.text && data?["flexFactor"]?["orderId"]?.string == "g-1")
        #expect(data?["amount"]?["minorUnits"]?.int64 == 4_999 && data?["action"]?["name"] != nil)
        let record = try #require(JournalRecord.decode(messages[1].body))
        #expect(record.fate == .told && record.detail == "approved" && record.stage == .cascade && record.reference == cascade.reference)
        #expect(record.at == clock.now() && record.workerID == "w-1" && record.merchantID == "acme" && record.gatewayID == "42")
    }

    @Test func aCascadeThatIsCancelledIsDeclined() async throws {
        let flexFactor = ScriptedFlexFactor(.order(.cancelled))
        #expect(try told(await reconcile(letter(cascade), flexFactor, at: long())) == "declined not_charged_on_look_up")
        #expect(flexFactor.calls == [.find(cascade.reference, since: cascade.declinedAt)])
    }

    @Test func aRetryThatIsCancelledIsExpiredOrWhatTheCRMWanted() async throws {
        for (cancels, clock, expected) in [
            (Cancels(), over, "expired expired"), (Cancels(requested: [retry.reference]), over, "cancelled cancelled_by_crm"),
            (Cancels(requested: [retry.reference]), long(), "cancelled cancelled_by_crm"),
            // Another merchant's command is no command.
            (Cancels(requested: [retry.reference], merchant: "bold"), over, "expired expired"),
        ] {
            let flexFactor = ScriptedFlexFactor(.order(.cancelled))
            #expect(try told(await reconcile(letter(retry), flexFactor, at: clock, cancels: cancels)) == expected)
            // Looked at again a while later: "cancelled" may be said and not meant.
            #expect(flexFactor.calls == [.lookUp("g-1"), .lookUp("g-1")])
        }
    }

    @Test func aPaidRetryIsApprovedThoughTheCRMCancelledIt() async throws {
        let cancels = Cancels(requested: [retry.reference])
        #expect(
            try told(await reconcile(letter(retry), ScriptedFlexFactor(.order(.completed)), at: long(), cancels: cancels))
                == "approved approved_on_look_up")
    }

    // MARK: What is open

    @Test(arguments: [FlexFactorOrder.State.processing, .captureRequired, .draft, .onHold, .problem, .unrecognised("new")])
    func whatIsOpenIsCancelledAndLookedUpAgain(state: FlexFactorOrder.State) async throws {
        for (recovery, clock, first, expected) in [
            (cascade, long(), FlexFactorCall.find(cascade.reference, since: cascade.declinedAt), "declined not_charged_on_look_up"),
            (retry, over, .lookUp("g-1"), "expired expired"),
        ] {
            let flexFactor = ScriptedFlexFactor(.order(state), .cancelAccepted, .order(.cancelled))
            #expect(try told(await reconcile(letter(recovery), flexFactor, at: clock)) == expected)
            let again: [FlexFactorCall] = if case .retry = recovery.route { [.lookUp("g-1")] } else { [] }
            #expect(flexFactor.calls == [first, .cancel("g-1"), .lookUp("g-1")] + again && !clock.waits.isEmpty)
        }
    }

    /// It was paid in the very moment.
    @Test func whatRefusesToBeCancelledIsLookedUpAgain() async throws {
        let flexFactor = ScriptedFlexFactor(.order(.processing), .cancelRefused, .order(.completed))
        #expect(try told(await reconcile(letter(cascade), flexFactor, at: long())) == "approved approved_on_look_up")
    }

    @Test func whatStaysOpenIsLeftOpenWithWhatWasSeen() async {
        for (answer, expected) in [
            (FlexFactorAnswer.cancelAccepted, "accepted to cancel"), (.cancelRefused, "refused to cancel"),
            (.failed(.unknown(.serverError(status: 502))), "502"),
        ] {
            for (recovery, clock) in [(cascade, long()), (retry, over)] {
                let begun = clock.now()
                let flexFactor = ScriptedFlexFactor { call, _ in if case .cancel = call { answer } else { .order(.processing) } }
                let words = words(await reconcile(letter(recovery), flexFactor, at: clock))
                #expect(words.contains(expected) || words.contains("g-1 is processing"), "\(words)")
                #expect(clock.now() <= begun + .seconds(30) && flexFactor.calls.count > 2 && !flexFactor.calls.contains(where: \.charges))
            }
        }
    }

    // MARK: What is not there

    @Test func aCascadeThatNeverArrivedIsSkippedForItsDeadline() async throws {
        let flexFactor = ScriptedFlexFactor(.noSuchOrder)
        #expect(try told(await reconcile(letter(cascade), flexFactor, at: long())) == "skipped deadline_passed")
        let ask: [FlexFactorCall] = [.find(cascade.reference, since: cascade.declinedAt), .cancelByReference(cascade.reference)]
        #expect(flexFactor.calls == ask + ask)
    }

    /// The list may show nothing of ours, and an edge may know no such page: neither is a word of FlexFactor's.
    @Test(arguments: [FlexFactorAnswer.notListed, .failed(.unknown(.barred(status: 404))), .failed(.unknown(.unreadable("<html>")))])
    func silenceIsNoProof(silence: FlexFactorAnswer) async {
        for (recovery, clock) in [(cascade, long()), (retry.at(.seeking(nil), route: retry.route), over)] {
            let flexFactor = ScriptedFlexFactor { call, _ in if case .find = call { .notListed } else { silence } }
            guard case .open = await reconcile(letter(recovery), flexFactor, at: clock) else {
                if case .failed = silence, case .unanswered = await reconcile(letter(recovery), flexFactor, at: clock) { continue }
                Issue.record("told on silence")
                return
            }
        }
    }

    /// Right after the deadline its request may still be on the way: it is cancelled by its reference, and looked for once more.
    @Test func aCascadeOfAMomentAgoIsGivenTimeToArrive() async throws {
        let clock = long(.seconds(61))
        let flexFactor = ScriptedFlexFactor(.noSuchOrder)
        #expect(try told(await reconcile(letter(cascade), flexFactor, at: clock)) == "skipped deadline_passed")
        let ask: [FlexFactorCall] = [.find(cascade.reference, since: cascade.declinedAt), .cancelByReference(cascade.reference)]
        #expect(flexFactor.calls == ask + ask)
        #expect(clock.now() == Self.declinedAt + .seconds(63))
        let late = ScriptedFlexFactor(.noSuchOrder, .noSuchOrder, .order(.completed))
        #expect(try told(await reconcile(letter(cascade), late, at: long(.seconds(61)))) == "approved approved_on_look_up")
    }

    @Test func aRetryThatNeverArrivedIsExpired() async throws {
        let recovery = Recovery.sample(declinedAt: Self.declinedAt).at(.unanswered, route: .retry(.managed, until: Self.until))
        let flexFactor = ScriptedFlexFactor(.noSuchOrder)
        let clock = over
        #expect(try told(await reconcile(letter(recovery), flexFactor, at: clock)) == "expired never_arrived")
        let ask: [FlexFactorCall] = [.find(recovery.reference, since: recovery.declinedAt), .cancelByReference(recovery.reference)]
        #expect(flexFactor.calls == ask + ask)
        #expect(clock.waits == [.seconds(2)])
    }

    // MARK: What cannot be asked

    @Test func whereFlexFactorCannotBeReachedTheLetterStaysOpenAndSaysWhy() async {
        for (recovery, clock) in [(cascade, long()), (retry, over)] {
            let begun = clock.now()
            let failure = CallFailure.notSent(.cannotConnect("connection refused"))
            let words = words(await reconcile(letter(recovery), ScriptedFlexFactor(.failed(failure)), at: clock))
            #expect(words.contains("connection refused") && words.contains(failure.advice))
            #expect(clock.now() <= begun + .seconds(30) && !clock.waits.isEmpty)
        }
    }

    @Test func anOpenCircuitIsNotWaitedForBeyondPatience() async {
        let clock = long()
        let flexFactor = ScriptedFlexFactor(.failed(.notSent(.circuitOpen(until: clock.now() + .minutes(5)))))
        let reconciliation = await reconcile(letter(cascade), flexFactor, at: clock)
        #expect(words(reconciliation).contains("circuit"))
        // Whoever asks about many stops asking then.
        if case .unanswered = reconciliation {} else { Issue.record("\(reconciliation)") }
        #expect(flexFactor.calls.count == 1 && clock.waits.isEmpty)
    }

    @Test func aPassingFailureIsWaitedFor() async throws {
        let flexFactor = ScriptedFlexFactor(.failed(.unknown(.timedOut)), .failed(.throttled(retryAfter: .seconds(7))), .order(.completed))
        let clock = long()
        #expect(try told(await reconcile(letter(cascade), flexFactor, at: clock)) == "approved approved_on_look_up")
        #expect(clock.waits.count == 2 && clock.waits[1] >= .seconds(7))
    }

    /// However long ago it was, it is not given up: an operator asked.
    @Test func anOldLetterIsAskedAboutLikeANewOne() async throws {
        for clock in [long(.days(300)), long(.days(3_000))] {
            #expect(
                try told(
                    await reconcile(
                        letter(cascade), ScriptedFlexFactor(.order(.processing), .cancelAccepted, .order(.cancelled)), at: clock)
                )
                .hasPrefix("declined"))
            #expect(
                try told(
                    await reconcile(letter(retry), ScriptedFlexFactor(.order(.processing), .cancelAccepted, .order(.cancelled)), at: clock)
                )
                .hasPrefix("expired"))
        }
    }

    @Test func everyCallIsMadeWithTheKeysOfItsGatewayAndEndsInTime() async {
        let clock = long()
        let flexFactor = ScriptedFlexFactor(.order(.processing), .cancelAccepted, .order(.cancelled))
        let begun = clock.now()
        _ = await reconcile(letter(cascade), flexFactor, at: clock)
        for asked in flexFactor.asked {
            #expect(asked.merchant == "acme" && asked.gateway == "42" && asked.traceparent == Self.traceparent)
            #expect(asked.deadline >= begun + .seconds(20) && asked.deadline <= clock.now() + .seconds(20))
        }
    }

    // MARK: What is handed back

    @Test(arguments: [
        RecoveryPhase.due, .ready, .unanswered, .capturing("g-1"), .seeking(nil), .seeking("g-1"), .watching("g-1", polls: 2),
        .reconciling("g-1", .cancel),
    ])
    func aRetryWhoseDaysAreNotOverGoesBackAndIsLookedUpFirst(phase: RecoveryPhase) async throws {
        for mode in MITMode.allCases {
            let recovery = Recovery.sample(declinedAt: Self.declinedAt).at(phase, route: .retry(mode, until: Self.until))
            let body = CardDataGuard.redacted(WorkEnvelope.encode(recovery), sealing: Vault(hasKey: true).seal)
            let flexFactor = ScriptedFlexFactor(.order(.completed))
            let reconciliation = await reconcile(letter(recovery, body: body), flexFactor, at: long())
            guard case .handedBack(.retry, let messages) = reconciliation, messages.count == 1, let message = messages.first,
                case .recovery(var taken) = WorkEnvelope.decode(message.body)
            else {
                Issue.record("\(reconciliation)")
                return
            }
            #expect(message.destination == .stage(.retry) && message.type == WorkEnvelope.type && message.traceparent == Self.traceparent)
            #expect(flexFactor.calls.isEmpty && flexFactor.tokenizations == 0)
            #expect(taken.reference == recovery.reference && taken.charge?.paymentMethod.card == .encrypted(SealedCard("sealed.1.b.c.d")))
            let first = taken.next(now: Self.declinedAt + .days(2), timing: RecoveryTiming())
            #expect(
                first == .call(phase.orderID.map(FlexFactorCall.lookUp) ?? .find(recovery.reference, since: recovery.declinedAt)),
                "\(phase)")
        }
    }

    @Test func aRetryThatTheCRMCancelledIsNotHandedBack() async throws {
        let recovery = Recovery.sample(declinedAt: Self.declinedAt).at(.unanswered, route: .retry(.sync, until: Self.until))
        let flexFactor = ScriptedFlexFactor(.order(.processing, "g-9"), .cancelAccepted, .order(.cancelled, "g-9"))
        let reconciliation = await reconcile(letter(recovery), flexFactor, at: long(), cancels: Cancels(requested: [recovery.reference]))
        #expect(try told(reconciliation) == "cancelled cancelled_by_crm")
        #expect(
            flexFactor.calls == [.find(recovery.reference, since: recovery.declinedAt), .cancel("g-9"), .lookUp("g-9"), .lookUp("g-9")])
    }

    // MARK: What is never done

    @Test func nothingIsEverChargedWhateverFlexFactorSays() async {
        let states: [FlexFactorOrder.State] = [
            .draft, .onHold, .cancelled, .problem, .processing, .captureRequired, .completed, .unrecognised("new"),
        ]
        let phases: [RecoveryPhase] = [
            .due, .ready, .unanswered, .capturing("g-1"), .reconciling(nil, .look), .reconciling("g-1", .cancel), .seeking("g-1"),
            .watching("g-1", polls: 1),
            .resting("g-1"), .closing(nil, .cancel), .closed("g-1"),
        ]
        var ends: [String: Int] = [:]
        for seed in 0..<UInt64(600) {
            var random = SeededRandom(seed: seed)
            let phase = phases.randomElement(using: &random)!
            let isCascade = Bool.random(using: &random)
            let recovery = Recovery.sample(declinedAt: Self.declinedAt).at(phase, route: isCascade ? nil : .retry(.sync, until: Self.until))
            let clock =
                isCascade
                ? long(.seconds(Int64.random(in: 60...100, using: &random)))
                : ManualClock(Self.until + .seconds(Int64.random(in: 0...100, using: &random)))
            let flexFactor = ScriptedFlexFactor { call, number in
                var random = SeededRandom(seed: seed << 16 | UInt64(number))
                return switch (call, Int.random(in: 0..<8, using: &random)) {
                case (_, 0): .noSuchOrder
                case (_, 1):
                    .failed(
                        [.unknown(.timedOut), .conflict, .refused(status: 400, []), .notSent(.deadline)].randomElement(using: &random)!)
                case (.cancel, 2...4), (.cancelByReference, 2...4): .cancelAccepted
                case (.cancel, _), (.cancelByReference, _): .cancelRefused
                default: .order(states.randomElement(using: &random)!)
                }
            }
            let reconciliation = await reconcile(letter(recovery), flexFactor, at: clock)
            if flexFactor.calls.contains(where: \.charges) || flexFactor.tokenizations > 0 {
                Issue.record("seed \(seed): \(phase) made \(flexFactor.calls)")
                return
            }
            switch reconciliation {
            case .told(let kind, _): ends[kind.rawValue, default: 0] += 1
            case .open, .unanswered: ends["open", default: 0] += 1
            case .handedBack, .unreadable: Issue.record("seed \(seed): \(reconciliation)")
            }
        }
        for end in ["approved", "declined", "expired", "open"] { #expect(ends[end, default: 0] > 10, "\(ends)") }
    }

    @Test(arguments: [
        "", "{", "{}", #"{"type":"com.salvage.recovery.work.v2","data":{}}"#, #"{"type":"com.salvage.recovery.work.v1","data":{}}"#,
    ])
    func whatHoldsNoRecoveryIsSettledByHand(body: String) async {
        let flexFactor = ScriptedFlexFactor(.order(.completed))
        let reconciliation = await reconcile(letter(cascade, body: Array(body.utf8)), flexFactor, at: long())
        guard case .unreadable(let why) = reconciliation else {
            Issue.record("\(reconciliation)")
            return
        }
        #expect(why.contains("by hand") && flexFactor.calls.isEmpty)
    }

    /// "No such order" about another order would be told as a skip.
    @Test func aMessageThatNamesAnotherRecoveryIsSettledByHand() async {
        let other = Recovery.sample(order: "OTHER", declinedAt: Self.declinedAt).at(.unanswered)
        let flexFactor = ScriptedFlexFactor(.noSuchOrder)
        guard case .unreadable = await reconcile(letter(cascade, body: WorkEnvelope.encode(other)), flexFactor, at: long()) else {
            Issue.record("it was asked about")
            return
        }
        #expect(flexFactor.calls.isEmpty)
    }

    /// Without a card key the letter's token is a mark; it must not be posted as a token.
    @Test func aRetryWhoseTokenWasRemovedIsNotChargedWithTheMark() async {
        let recovery = Recovery.sample(declinedAt: Self.declinedAt).at(
            .unanswered, route: .retry(.sync, until: Self.declinedAt + .days(9)))
        let clock = ManualClock(Self.declinedAt)
        let reconciler = Reconciler(
            in: .sample(clock, cards: Vault(hasKey: false)), flexFactor: ScriptedFlexFactor(.noSuchOrder), cancels: Cancels(),
            wait: { await clock.wait($0) })
        let reconciliation = await reconciler.reconcile(letter(recovery), traceparent: nil)
        guard case .handedBack(_, let messages) = reconciliation,
            case .recovery(var taken)? = messages.first.map({ WorkEnvelope.decode($0.body) })
        else {
            Issue.record("\(reconciliation)")
            return
        }
        // Looked for, and not there: what does the stage do then?
        var charged: [Charge] = []
        for _ in 0..<8 {
            guard case .call(let call) = taken.next(now: Self.declinedAt, timing: RecoveryTiming()) else { break }
            if case .evaluate(let charge, _) = call { charged.append(charge) }
            _ = taken.learned(.noSuchOrder, now: Self.declinedAt, timing: RecoveryTiming())
        }
        #expect(charged.allSatisfy { $0.paymentMethod.card != .token(CardToken(CardDataMark.token)) })
        #expect(!messages.contains { String(decoding: $0.body, as: UTF8.self).contains(CardDataMark.token) })
    }
}
