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

    /// The kinds of result that come of a command, when all that it sends on has come to its end.
    private func told(found: Set<String>) async throws -> [String] {
        let clock = ManualClock(Moment(milliseconds: 1_800_000_000_000))
        guard case .cancel(let command) = CRMMessage.decode(Array(Self.command.utf8)) else {
            Issue.record("the command is not read")
            return []
        }
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .cancelByReference(let reference) = call else { return .notListed }
            return found.contains(reference.text) ? .cancelAccepted : .noSuchOrder
        }
        let stage = RetryStage(
            in: .sample(clock, claims: MemoryClaims(now: clock.now()), cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: flexFactor, cancels: Cancels())
        var waiting = Cancellation.all(of: command, merchant: merchant, now: clock.now()).map { (body: $0.encoded(), due: clock.now()) }
        #expect(waiting.count == 3)
        var kinds: [String] = []
        for _ in 0..<100 {
            guard let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) else { return kinds }
            let next = waiting.remove(at: index)
            if clock.now() < next.due { clock.pass(next.due - clock.now()) }
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
        return kinds
    }

    private func reattempt(_ id: String) -> RecoveryReference {
        RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A", kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
    }

    /// One runs, and another that was declined before may come when it has ended.
    @Test func aCommandIsKeptForAllThatItCanMeanBesideTheOneThatRuns() async throws {
        let now = Moment(milliseconds: 1_800_000_000_000)
        let claims = MemoryClaims(now: now)
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

    @Test func whatIsFoundUnderNoNameIsToldOnce() async throws {
        #expect(try await told(found: []) == ["nothing_to_cancel"])
    }

    @Test(arguments: ["A-R7-88-7", "A-R7-88-8", "A-R7-88-9"])
    func whatIsFoundUnderOneIsTheAnswer(reference: String) async throws {
        #expect(try await told(found: [reference]) == ["cancelled"])
    }
}
