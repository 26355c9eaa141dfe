import Pipeline
import TestSupport
import Testing

@testable import DeclineRecovery

/// A rebill that a command names by order, purchase and cycle may be one of several recoveries, and the command is answered once.
@Suite struct CancelByNameTests {
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")],
        gateways: [Gateway(id: "7", type: "nmi"), Gateway(id: "8", type: "nmi"), Gateway(id: "9", type: "nmi")])

    private static let command =
        #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"acme","orderId":"A","purchaseId":"88","billingCycle":7}}"#

    private static func commandGiven(at time: Moment) -> String {
        command.replacing(#""source":"s","#, with: #""source":"s","time":"\#(time.rfc3339)","#)
    }

    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims(now: Self.now)

    /// The kinds of result that come of a command, when all that it sends on has come to its end.
    ///
    /// - Parameter meanwhile: what happens beside it, before each step of the retry stage.
    private func told(
        found: Set<String>, of text: String = Self.command, meanwhile: (Moment) -> Void = { _ in }
    ) async throws -> [String] {
        await carryOut(found: found, of: text, by: claims, meanwhile: meanwhile).kinds
    }

    /// - Parameter claims: as the pods know them.
    private func carryOut(
        found: Set<String> = [], of text: String = Self.command, by claims: any ClaimsPort, meanwhile: (Moment) -> Void = { _ in }
    ) async -> (kinds: [String], calls: [FlexFactorCall]) {
        let clock = ManualClock(Self.now)
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .cancelByReference(let reference) = call else { return .notListed }
            return found.contains(reference.text) ? .cancelAccepted : .noSuchOrder
        }
        let environment = StageEnvironment.sample(clock, claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5))
        let stage = RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels())
        let command = await IntakeStage(in: environment, merchants: Merchants(merchant)).handle(
            IncomingMessage(body: Array(text.utf8), exchange: "declines"))
        var waiting = command.publishing.filter { $0.destination == .stage(.retry) }.map { (body: $0.body, due: clock.now()) }
        var kinds: [String] = []
        for _ in 0..<200 {
            guard let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) else { return (kinds, flexFactor.calls) }
            let next = waiting.remove(at: index)
            if clock.now() < next.due { clock.pass(next.due - clock.now()) }
            meanwhile(clock.now())
            for message in await stage.handle(IncomingMessage(body: next.body, type: Cancellation.type)).publishing {
                switch message.destination {
                case .results(_, let kind): kinds.append(kind.rawValue)
                case .stage: waiting.append((message.body, clock.now()))
                case .delayed(_, let span): waiting.append((message.body, clock.now() + span))
                default: break
                }
            }
        }
        Issue.record("it does not end")
        return (kinds, flexFactor.calls)
    }

    private func reattempt(_ id: String) -> RecoveryReference {
        RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A", kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
    }

    /// One that runs of a cycle, for a charge of its own unless that is `nil`.
    private func run(
        _ id: String, charge: String?, cycle: Int = 7, kind: RecoveryReference.Kind = .recurring, declinedAt: Moment? = nil,
        by act: Claim.Act = .send(post: 1), in stream: MemoryClaims? = nil
    ) -> RecoveryReference {
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A", kind: kind, sequence: kind == .recurring ? cycle : 2,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
        let order = RecoveredOrder(reference, purchaseID: "88", billingCycle: cycle, chargeID: charge)
        (stream ?? claims).append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: Fingerprint(of: Debt(order, of: "acme")), amount: nil, act: act,
                until: Self.now + .days(40), order: order.beyond(reference), declinedAt: declinedAt), by: "w-2")
        return reference
    }

    /// Its own message may lie in the delay ladder for weeks. FlexFactor has nothing of it.
    @Test(arguments: [RecoveryReference.Kind.recurring, .recurringRerun], [nil, "upsell"] as [String?])
    func whatWaitsUnsentIsOverByTheCommand(kind: RecoveryReference.Kind, charge: String?) async {
        for isWithdrawn in [false, true] {
            let claims = MemoryClaims(now: Self.now)
            let act: Claim.Act = isWithdrawn ? .send(post: 1) : .waiting
            let reference = run("d-1", charge: charge, kind: kind, declinedAt: Self.now + .days(-1), by: act, in: claims)
            if isWithdrawn {
                claims.append(
                    ClaimRequest(
                        merchantID: "acme", reference: reference, debt: nil, amount: nil, act: .unsent(1), until: Self.now + .days(40)),
                    by: "w-2")
            }
            let end = await carryOut(by: claims)
            #expect(end.kinds == ["cancelled"] && end.calls.isEmpty, "\(kind), \(isWithdrawn)")
        }
    }

    /// It came to the stage behind the command, and was put away before it had heard of it.
    @Test(arguments: [nil, "upsell"] as [String?]) func soIsWhatIsPutAwayMeanwhile(charge: String?) async throws {
        var isThere = false
        let kinds = try await told(found: []) { _ in
            if !isThere { _ = run("d-1", charge: charge, declinedAt: Self.now, by: .waiting) }
            isThere = true
        }
        #expect(kinds == ["cancelled"])
    }

    @Test func whatWaitsAndWhatRunsAreBothCancelled() async throws {
        let running = run("d-1", charge: "upsell")
        _ = run("d-2", charge: nil, declinedAt: Self.now, by: .waiting)
        _ = run("d-3", charge: nil, cycle: 8, declinedAt: Self.now, by: .waiting)
        _ = run("d-4", charge: nil, declinedAt: Self.now + .minutes(30), by: .waiting)
        #expect(try await told(found: [running.text]) == ["cancelled", "cancelled"])
    }

    /// What the CRM was told of a recovery, by whoever has only its name at hand.
    private func tell(_ reason: ResultReason, of reference: RecoveryReference, in stream: MemoryClaims? = nil) {
        let result = ResultEvent(
            subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: reason, gatewayID: "42",
            flexFactorOrderID: "g-1", occurredAt: Self.now)
        (stream ?? claims).append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: nil, amount: nil, act: .told(Claim.Told(reason.kind, .known)),
                until: Self.now + .days(40), result: result), by: "w-2")
    }

    /// The CRM would take "nothing to cancel" for "nothing was charged".
    @Test(arguments: [ResultReason.approved(.notified), .cancelled], [nil, "upsell"] as [String?])
    func whatWasToldIsToldAgainAndNobodyIsAsked(reason: ResultReason, charge: String?) async {
        for kind in [RecoveryReference.Kind.recurring, .recurringRerun] {
            let claims = MemoryClaims(now: Self.now)
            let reference = run("d-1", charge: charge, kind: kind, declinedAt: Self.now + .days(-1), in: claims)
            tell(reason, of: reference, in: claims)
            let end = await carryOut(by: claims)
            #expect(end.kinds == [reason.kind.rawValue] && end.calls.isEmpty, "\(kind)")
        }
    }

    /// The stream keeps claims for two months, and what ended late is known for longer: what runs is cancelled all the same.
    @Test func whatEndedAndHasLeftTheStreamHidesNothing() async throws {
        tell(.approved(.notified), of: run("d-1", charge: "shipping", cycle: 6))
        let running = run("d-2", charge: "upsell")
        claims.firstKept = 2
        #expect(try await told(found: [running.text]) == ["cancelled"])
    }

    /// That it cannot be read for a moment is no word that it is not there.
    @Test(arguments: [true, false]) func whatEndedIsWaitedForBeforeItCountsAsGone(comesBack: Bool) async throws {
        tell(.approved(.notified), of: run("d-1", charge: "upsell"))
        claims.firstKept = 2
        let kinds = try await told(found: []) { now in if comesBack, now >= Self.now + .minutes(1) { claims.firstKept = 0 } }
        #expect(kinds == [comesBack ? "approved" : "nothing_to_cancel"])
    }

    /// What went back since was told as well.
    @Test func whatWasPaidAndWentBackIsToldAgain() async {
        let paid = run("d-1", charge: nil)
        tell(.approved(.notified), of: paid)
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: paid, debt: nil, amount: nil, act: .reopened(.paidBack), until: Self.now + .days(40)),
            by: "w-2")
        #expect(await carryOut(by: claims).kinds == ["approved"])
    }

    @Test func whatRunsBesideWhatWasToldIsCancelled() async throws {
        let running = run("d-1", charge: "upsell")
        for (id, charge) in [("d-2", nil), ("d-3", "shipping")] as [(String, String?)] {
            tell(.approved(.notified), of: run(id, charge: charge))
        }
        #expect(try await told(found: [running.text]).sorted() == ["approved", "approved", "cancelled"])
    }

    /// A re-attempt of a customer who came back was paid, and the command had waited.
    @Test(arguments: [nil, "upsell"] as [String?]) func whatWasDeclinedAfterTheCommandIsNotToldAgain(charge: String?) async throws {
        tell(.approved(.notified), of: run("d-1", charge: charge, declinedAt: Self.now + .minutes(-5)))
        #expect(try await told(found: [], of: Self.commandGiven(at: Self.now + .minutes(-20))) == ["nothing_to_cancel"])
    }

    /// It was told while the command waited for others to finish.
    @Test func whatIsToldMeanwhileIsTheAnswer() async throws {
        var isTold = false
        let kinds = try await told(found: []) { now in
            if isTold || now < Self.now + .minutes(1) { return }
            isTold = true
            tell(.approved(.notified), of: run("d-1", charge: nil))
        }
        #expect(kinds == ["approved"])
    }

    @Test(arguments: [RecoveryReference.Kind.recurring, .recurringRerun], [nil, "upsell"] as [String?])
    func whatRunsIsCancelledWhicheverChargeItIs(kind: RecoveryReference.Kind, charge: String?) async throws {
        let running = run("d-1", charge: charge, kind: kind)
        #expect(try await told(found: [running.text]) == ["cancelled"])
    }

    /// Both lay in the queue: it was declined 25 minutes ago, the command is 20 minutes old, and it has been sent just now.
    @Test(arguments: [RecoveryReference.Kind.recurring, .recurringRerun], [nil, "upsell"] as [String?])
    func whatWasDeclinedBeforeIsMeantWheneverItWasSent(kind: RecoveryReference.Kind, charge: String?) async throws {
        let command = Self.commandGiven(at: Self.now + .minutes(-20))
        let running = run("d-1", charge: charge, kind: kind, declinedAt: Self.now + .minutes(-25))
        #expect(try await told(found: [running.text], of: command) == ["cancelled"])
    }

    @Test func whatACustomerWhoCameBackRunsIsNot() async throws {
        let running = run("d-1", charge: "upsell", declinedAt: Self.now + .minutes(-5))
        #expect(try await told(found: [running.text], of: Self.commandGiven(at: Self.now + .minutes(-20))) == ["nothing_to_cancel"])
    }

    /// The command came before it had begun, and it had begun before it heard of the command.
    @Test(arguments: [nil, "upsell"] as [String?]) func soIsWhatBeginsMeanwhile(charge: String?) async throws {
        var running: RecoveryReference?
        let found = reattempt("d-1").text
        let kinds = try await told(found: [found]) { _ in if running == nil { running = run("d-1", charge: charge) } }
        #expect(kinds == ["cancelled"])
    }

    @Test func allThatRunAreCancelled() async throws {
        let running = [run("d-1", charge: nil), run("d-2", charge: "upsell"), run("d-3", charge: "shipping")]
        #expect(try await told(found: Set(running.map(\.text))) == ["cancelled", "cancelled", "cancelled"])
    }

    /// That nothing is found of one is no answer to the command.
    @Test(arguments: [["d-1"], ["d-2"], []] as [[String]]) func theyAreAnsweredOnce(found: [String]) async throws {
        let running = ["d-1": run("d-1", charge: "shipping").text, "d-2": run("d-2", charge: "upsell").text]
        #expect(try await told(found: Set(found.compactMap { running[$0] })) == [found.isEmpty ? "nothing_to_cancel" : "cancelled"])
    }

    @Test func whatHasEndedOrIsOfAnotherCycleIsNot() async throws {
        let (ended, other) = (run("d-1", charge: "upsell"), run("d-2", charge: "upsell", cycle: 8))
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: ended, debt: nil, amount: nil, act: .told(Claim.Told(.expired, .known)),
                until: Self.now + .days(40)), by: "w-2")
        #expect(try await told(found: [ended.text, other.text]) == ["nothing_to_cancel"])
    }

    /// Whether it runs cannot be read for a while: nobody says that it does not.
    @Test func whatCannotBeReadIsWaitedFor() async throws {
        let running = run("d-1", charge: "upsell")
        claims.isReachable = false
        let kinds = try await told(found: [running.text]) { claims.isReachable = $0 > Self.now + .minutes(10) }
        #expect(kinds == ["cancelled"])
    }

    /// One runs, and another that was declined before may come when it has ended.
    @Test func aCommandIsKeptForAllThatItCanMeanBesideTheOneThatRuns() async throws {
        let now = Self.now
        let debt = Debt(merchantID: "acme", orderID: "A", purchaseID: "88", billingCycle: 7, chargeID: nil)
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: reattempt("d-1"), debt: Fingerprint(of: debt), amount: nil, act: .send(post: 1),
                until: now + .days(40)), by: "w-2")
        let stage = IntakeStage(
            in: .sample(ManualClock(now), claims: claims, cards: Vault(hasKey: false)), merchants: Merchants(merchant))
        let publishing = await stage.handle(IncomingMessage(body: Array(Self.command.utf8), exchange: "declines")).publishing
        #expect(publishing.count(where: { $0.destination == .stage(.retry) }) == 1)
        var book = CancelBook()
        for message in publishing where message.destination == .cancels { book.take(try #require(CancelNotice.decode(message.body))) }
        let late = reattempt("d-2")
        #expect(book.isCancelRequested(late, of: "acme", declinedAt: now))
        #expect(!book.isCancelRequested(late, of: "acme", declinedAt: now + .minutes(11)))
    }

    /// Both times are the CRM's. By one that is wrong by more than a time zone the command would mean what is to come.
    @Test(arguments: [(15, true), (14 * 60, true), (30 * 24 * 60, false)] as [(Int64, Bool)])
    func byAClockThatIsAheadWhatItHadDeclinedBeforeIsMeant(minutes: Int64, isMeant: Bool) async throws {
        let given = Self.now + .minutes(minutes)
        let command = Self.commandGiven(at: given)
        let stage = IntakeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false)), merchants: Merchants(merchant))
        var book = CancelBook()
        for message in await stage.handle(IncomingMessage(body: Array(command.utf8), exchange: "declines")).publishing {
            let retry = RetryStage(
                in: .sample(ManualClock(Self.now), claims: claims), flexFactor: ScriptedFlexFactor(.notListed), cancels: Cancels())
            for sent in await retry.handle(IncomingMessage(body: message.body, type: message.type)).publishing
            where sent.destination == .cancels {
                book.take(try #require(CancelNotice.decode(sent.body)))
            }
        }
        #expect(book.isCancelRequested(reattempt("d-1"), of: "acme", declinedAt: given + .minutes(-1)) == isMeant)
        #expect(!book.isCancelRequested(reattempt("d-2"), of: "acme", declinedAt: given + .minutes(11)))
    }

    @Test func whatIsFoundUnderNoNameIsToldOnce() async throws {
        #expect(try await told(found: []) == ["nothing_to_cancel"])
    }

    @Test(arguments: ["A-R7-88-7", "A-R7-88-8", "A-R7-88-9"])
    func whatIsFoundUnderOneIsTheAnswer(reference: String) async throws {
        #expect(try await told(found: [reference]) == ["cancelled"])
    }
}
