import JSON
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A recovery that was told as not paid turns out paid, while the next of the debt runs.
@Suite struct PaidLateTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims()
    private let clock = ManualClock(Self.now)

    private static func recovery(
        _ id: String, _ route: RecoveryRoute? = nil, _ phase: RecoveryPhase = .due, for amount: Money? = nil
    ) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: now)
        let charge: Charge? = if case .watching = phase { nil } else { sample.charge }
        let kind = if case .retry? = route { RecoveryReference.Kind.rerun } else { RecoveryReference.Kind.sale }
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: kind, sequence: kind == .rerun ? 1 : 0)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route ?? sample.route, reference: reference, amount: amount ?? sample.amount,
            declinedAt: now, order: sample.order, verdict: sample.verdict, reply: nil, charge: charge, phase: phase)
    }

    private let first = recovery("d-1")

    private static func approval(of recovery: Recovery) -> ClaimRequest {
        let result = ResultEvent(of: recovery, .approved(.notified), flexFactorOrderID: "g-1", at: now)
        return ClaimRequest(.told(.init(.approved, .known)), of: recovery, telling: result, at: now)
    }

    /// It is declined after the first turned out paid: nobody is to decline the order, nor to charge it elsewhere.
    @Test func whatComesToNothingBesideAPaymentPointsToIt() async throws {
        let (claims, first) = (claims, first)
        let flexFactor = ScriptedFlexFactor { _, _ in
            claims.append(Self.approval(of: first), by: "w-2")
            return .evaluated(.declined, "g-2")
        }
        let second = Self.recovery("d-2")
        let handled = await CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor).handle(
            IncomingMessage(body: WorkEnvelope.encode(second), type: WorkEnvelope.type))
        let result = try handled.results().first
        #expect(result?["data"]?["reason"]?["code"]?.string == "already_recovered")
        #expect(result?["data"]?["action"]?["name"]?.string == "leave_order")
        #expect(result?["data"]?["otherRecovery"]?.string == first.reference.text)
        #expect(claims.standing(of: second.reference, merchant: "acme")?.told?.kind == .skipped)
    }

    /// FlexFactor's webhook of the end says no more than the recovery itself would.
    @Test func aWebhookOfTheEndPointsToThePaymentToo() async throws {
        let second = Self.recovery("d-2", .retry(.managed, until: Self.now + .days(5)))
        let sent = claims.append(ClaimRequest(.send(post: 1), of: second, telling: nil, at: Self.now), by: "w-2")
        claims.append(ClaimRequest(.exists(answering: sent.id), of: second, telling: nil, at: Self.now), by: "w-2")
        claims.append(Self.approval(of: first), by: "w-2")
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .cancelled, reference: second.reference, orderID: "g-2", receivedAt: Self.now,
            hasWaited: true)
        let handled = await OutcomeStage(
            in: .sample(clock, claims: claims, cards: Vault(hasKey: false)), flexFactor: ScriptedFlexFactor(.order(.cancelled, "g-2")),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels()
        ).handle(IncomingMessage(body: news.encoded(), type: WebhookNews.type))
        #expect(try handled.results().first?["data"]?["reason"]?["code"]?.string == "already_recovered")
    }

    /// The order of the second is stopped, in whatever mode and at whatever price, for it repeats the charge; where it was paid in that very
    /// moment a person hears that the debt was paid twice.
    @Test(
        arguments: [
            (RecoveryPhase.watching("g-2", polls: 0), MITMode.managed, false, 4_999), (.watching("g-2", polls: 0), .managed, true, 4_999),
            (.resting("g-2"), .sync, false, 4_999), (.watching("g-2", polls: 0), .managed, false, 3_999),
            (.watching("g-2", polls: 0), .managed, true, 3_999), (.resting("g-2"), .sync, false, 3_999),
        ] as [(RecoveryPhase, MITMode, Bool, Int64)])
    func theNextRecoveryOfAPaidDebtIsStopped(phase: RecoveryPhase, mode: MITMode, isPaidToo: Bool, price: Int64) async throws {
        let amount = Money(minorUnits: price, currency: .usd)
        var next = Self.recovery("d-2", .retry(mode, until: Self.now + .days(5)), phase, for: amount)
        let sent = claims.append(ClaimRequest(.send(post: 1), of: next, telling: nil, at: Self.now), by: "w-2")
        claims.append(ClaimRequest(.exists(answering: sent.id), of: next, telling: nil, at: Self.now), by: "w-2")
        claims.append(Self.approval(of: first), by: "w-2")
        let isCancelled = Mutex(false)
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .cancel = call {
                isCancelled.withLock { $0 = true }
                return .cancelAccepted
            }
            return .order(isCancelled.withLock { $0 } ? isPaidToo ? .completed : .cancelled : .processing, "g-2")
        }
        var (result, letters): (JSONValue?, Int) = (nil, 0)
        for _ in 0..<20 where result == nil {
            let handled = await RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels()).handle(
                IncomingMessage(body: WorkEnvelope.encode(next), type: WorkEnvelope.type))
            result = try handled.results().first
            letters += handled.publishing.filter { $0.destination == .deadLetters }.count
            guard case .delayed(_, let delay)? = handled.publishing.first?.destination,
                case .recovery(let parked)? = handled.publishing.first.map({ WorkEnvelope.decode($0.body) })
            else { break }
            next = parked
            clock.pass(delay)
        }
        #expect(flexFactor.calls.contains(.cancel("g-2")))
        let kind = result?["type"]?.string
        #expect(kind == "com.salvage.recovery.\(isPaidToo ? "approved" : "skipped").v1" && letters == (isPaidToo ? 1 : 0))
        if !isPaidToo { #expect(result?["data"]?["otherRecovery"]?.string == first.reference.text) }
        #expect(clock.now() < Self.now + .days(1))
    }
}
