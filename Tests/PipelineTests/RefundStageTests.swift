import DeclineRecovery
import Synchronization
import TestSupport
import Testing

@testable import Pipeline

/// A command to refund in the hands of pods that die after any effect, published twice, with FlexFactor's webhook before, between and behind.
@Suite struct RefundStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .sale, sequence: 0)

    /// A pod and what it reaches. After so many effects it is dead: nothing that it does counts any more.
    private final class Pod: FlexFactorPort, ClaimsPort {
        let world: World
        private let left: Mutex<Int>

        init(_ world: World, dyingAfter effects: Int?) {
            self.world = world
            left = Mutex(effects ?? .max)
        }

        var isDead: Bool { left.withLock { $0 < 0 } }
        private func lives() -> Bool {
            left.withLock { left in
                left -= 1
                return left >= 0
            }
        }

        func perform(
            _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
            writtenBy: ContinuousClock.Instant?
        ) async -> FlexFactorAnswer {
            lives() ? world.perform(call) : .failed(.notSent(.cannotConnect("dead")))
        }

        func tokenize(
            _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
        ) async -> FlexFactorAnswer { .failed(.notSent(.cannotConnect("none"))) }

        func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
            world.claims.standing(of: reference, merchant: merchant)
        }
        func claim(_ request: ClaimRequest) async -> Claimed? { lives() ? world.claims.append(request, by: "w") : nil }
        func record(at offset: Int64) async -> ClaimRecord? { await world.claims.record(at: offset) }
        func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { [] }
        func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? { nil }
    }

    /// FlexFactor with one paid order of 49.99, the stream of claims, and what waits at the broker.
    private final class World: Sendable {
        struct State {
            var refunded: Int64 = 0
            var placedAt: Moment?
            var requests = 0
            var losesAnswer = false
            var waiting: [(message: IncomingMessage, due: Moment)] = []
            var told: [String: Set<[UInt8]>] = [:]
            var letters = 0
        }

        let claims = MemoryClaims(now: RefundStageTests.now)
        let clock = ManualClock(RefundStageTests.now)
        let state = Mutex(State())

        /// - Parameter told: what the CRM was told of the recovery, and of which order; `nil` where nobody claimed it.
        init(told: ResultReason? = .approved(.answered), of orderID: FlexFactorOrderID = "g-1") {
            guard let told else { return }
            let (reference, now) = (RefundStageTests.reference, RefundStageTests.now)
            let amount = Money(minorUnits: 4_999, currency: .usd)
            let result = ResultEvent(
                subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: told, gatewayID: "42",
                flexFactorOrderID: orderID, amount: amount, occurredAt: now)
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: reference, debt: nil, amount: amount, act: .told(.init(told.kind, .known)),
                    until: now + .days(40), result: result), by: "w")
        }

        func perform(_ call: FlexFactorCall) -> FlexFactorAnswer {
            state.withLock { state in
                guard case .refund(_, let amount) = call else {
                    let order = FlexFactorOrder(
                        id: "g-1", state: state.refunded == 4_999 ? .returned : .completed, minorUnits: 4_999, currency: .usd,
                        placedAt: state.placedAt)
                    return .found(order)
                }
                state.requests += 1
                guard state.refunded + amount.minorUnits <= 4_999 else { return .refundFailed(code: "2001", "too much") }
                state.refunded += amount.minorUnits
                if state.losesAnswer {
                    state.losesAnswer = false
                    return .failed(.unknown(.timedOut))
                }
                return .refunded
            }
        }

        func run(_ pod: Pod) async {
            guard
                let next = state.withLock({ state in
                    state.waiting.indices.min { state.waiting[$0].due < state.waiting[$1].due }.map { state.waiting.remove(at: $0) }
                })
            else { return }
            if clock.now() < next.due { clock.pass(next.due - clock.now()) }
            let handled: StageOutcome
            let environment = StageEnvironment.sample(clock, claims: pod, cards: Vault(hasKey: false), callLimit: .seconds(5))
            if next.message.type == WebhookNews.type {
                handled = await OutcomeStage(
                    in: environment, flexFactor: pod,
                    merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels()
                ).handle(next.message)
            } else {
                handled = await RetryStage(in: environment, flexFactor: pod, cancels: Cancels()).handle(next.message)
            }
            state.withLock { state in
                if pod.isDead {
                    state.waiting.append(
                        (IncomingMessage(body: next.message.body, type: next.message.type, redelivered: true), clock.now() + .seconds(1)))
                    return
                }
                for message in handled.publishing {
                    switch message.destination {
                    case .results: state.told[message.messageID, default: []].insert(message.body)
                    case .deadLetters: state.letters += 1
                    case .stage: state.waiting.append((IncomingMessage(body: message.body, type: message.type), clock.now()))
                    case .delayed(_, let span):
                        state.waiting.append((IncomingMessage(body: message.body, type: message.type), clock.now() + span))
                    default: break
                    }
                }
            }
        }
    }

    private func command(_ amount: Int64?, _ id: String = "r-1") -> IncomingMessage {
        let command = RefundCommand(
            id: id, merchantID: "acme", reference: Self.reference, orderID: "g-1",
            amount: amount.map { Money(minorUnits: $0, currency: .usd) }, reason: nil)
        return IncomingMessage(body: Refund(command, gateways: ["42"], since: Self.now).encoded(), type: Refund.type)
    }

    private func webhook(_ amount: Int64) -> IncomingMessage {
        let body =
            #"{"Event":"order.refunded","TimeStamp":"2027-01-15T08:00:00Z","EventData":{"Amount":\#(amount),"RefundId":"rf-1"},"ExternalOrderId":"\#(Self.reference.text)","OrderId":"g-1"}"#
        return IncomingMessage(
            body: WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now)!.encoded(),
            type: WebhookNews.type)
    }

    @Test(arguments: [500, nil] as [Int64?], [false, true])
    func twoCopiesAreOneRefundWhereverAPodDies(amount: Int64?, withWebhook: Bool) async {
        for losesAnswer in [false, true] {
            for death in 0..<14 {
                for webhookAfter in withWebhook ? Array(0..<5) : [99] {
                    let world = World()
                    world.state.withLock { state in
                        state.losesAnswer = losesAnswer
                        state.waiting = [(command(amount), Self.now), (command(amount), Self.now + .milliseconds(1))]
                    }
                    let dying = Pod(world, dyingAfter: death)
                    let living = Pod(world, dyingAfter: nil)
                    var isHeard = false
                    for step in 0..<400 {
                        if withWebhook, !isHeard, step >= webhookAfter, world.state.withLock({ $0.refunded > 0 }) {
                            isHeard = true
                            world.state.withLock { $0.waiting.append((webhook(amount ?? 4_999), world.clock.now())) }
                        }
                        await world.run(dying.isDead || step % 2 == 1 ? living : dying)
                        if world.state.withLock({ $0.waiting.isEmpty }), !withWebhook || isHeard { break }
                    }
                    let end = world.state.withLock { $0 }
                    let about = "amount \(amount ?? 0), answer lost \(losesAnswer), death after \(death), webhook after \(webhookAfter)"
                    #expect(end.waiting.isEmpty, "\(about): still going")
                    #expect(end.refunded == amount ?? 4_999, "\(about): \(end.refunded) went back")
                    #expect(end.told.count <= 1, "\(about): told \(end.told.keys)")
                    #expect(end.told.values.allSatisfy { $0.count == 1 }, "\(about): told in two ways")
                    #expect(end.told.count == 1 || end.letters > 0, "\(about): nothing told")
                    #expect(end.told.keys.allSatisfy { $0.contains("/refunded/") }, "\(about): \(end.told.keys)")
                    if amount == nil || withWebhook { #expect(end.told.count == 1, "\(about): nobody told it") }
                    if death > 10, !losesAnswer {
                        #expect(end.letters == 0 && end.requests == 1, "\(about): \(end.letters) letters, \(end.requests) requests")
                    }
                }
            }
        }
    }

    /// One account serves several merchants: what is another's is not given back.
    @Test func onlyWhatTheCRMWasToldOfIsGivenBack() async {
        for world in [World(told: .declined(.byFlexFactor)), World(of: "g-7")] {
            world.state.withLock { $0.waiting = [(command(500), Self.now)] }
            let pod = Pod(world, dyingAfter: nil)
            for _ in 0..<20 where world.state.withLock({ !$0.waiting.isEmpty }) { await world.run(pod) }
            let end = world.state.withLock { $0 }
            #expect(
                end.requests == 0 && end.told.count == 1 && end.told.keys.allSatisfy { $0.contains("/refund_failed/") }, "\(end.told.keys)")
        }
    }

    /// The order may be another merchant's, or another recovery's. What may be forgotten is given back all the same.
    @Test(arguments: [(nil, false), (3, false), (40, true)] as [(Int64?, Bool)])
    func ofWhatNobodyClaimedOnlyWhatMayBeForgottenIsGivenBack(days: Int64?, isGivenBack: Bool) async {
        let world = World(told: nil)
        world.state.withLock {
            $0.placedAt = days.map { Self.now + .days(-$0) }
            $0.waiting = [(command(500), Self.now)]
        }
        let pod = Pod(world, dyingAfter: nil)
        for _ in 0..<20 where world.state.withLock({ !$0.waiting.isEmpty }) { await world.run(pod) }
        let end = world.state.withLock { $0 }
        #expect(end.requests == (isGivenBack ? 1 : 0) && end.told.count == 1)
        #expect(end.told.keys.allSatisfy { $0.contains(isGivenBack ? "/refunded/" : "/refund_failed/") }, "\(end.told.keys)")
    }

    /// No key makes a repeat of it one: a pod that was frozen must not send it by a claim of long ago.
    @Test func aRefundIsWrittenWhileItsClaimIsGood() async throws {
        let world = World()
        let flexFactor = ScriptedFlexFactor(.order(.completed), .refunded)
        let stage = RetryStage(
            in: .sample(world.clock, claims: world.claims, cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            cancels: Cancels())
        let first = await stage.handle(command(500))
        if let next = first.publishing.first { _ = await stage.handle(IncomingMessage(body: next.body, type: next.type)) }
        let writtenBy = try #require(flexFactor.asked.first { $0.call.charges }?.writtenBy)
        #expect(writtenBy <= ContinuousClock.now.advanced(by: .milliseconds(Claim.validity.milliseconds)))
        #expect(flexFactor.asked.allSatisfy { $0.call.charges || $0.writtenBy == nil })
    }

    /// The order is shown as paid yet; what the CRM was told counts.
    @Test func nothingIsGivenBackAfterAChargebackOfTheWhole() async {
        for amount in [nil, 500] as [Int64?] {
            let world = World()
            for act in [Claim.Act.moneyBack(.chargeback("cb-1", isWhole: true)), .reopened(.paidBack)] {
                world.claims.append(
                    ClaimRequest(
                        merchantID: "acme", reference: Self.reference, debt: nil, amount: nil, act: act, until: Self.now + .days(40)),
                    by: "w")
            }
            world.state.withLock { $0.waiting = [(command(amount), Self.now), (command(amount), Self.now + .milliseconds(1))] }
            let pod = Pod(world, dyingAfter: nil)
            for _ in 0..<20 where world.state.withLock({ !$0.waiting.isEmpty }) { await world.run(pod) }
            let end = world.state.withLock { $0 }
            #expect(end.requests == 0 && end.told.count == 1, "\(end.told.keys)")
            #expect(end.told.keys.allSatisfy { $0.contains("/refund_failed/") } && end.told.values.allSatisfy { $0.count == 1 })
        }
    }

    private func append(_ claim: MoneyBackClaim, of units: Int64, telling result: ResultEvent? = nil, to world: World) {
        world.claims.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: units, currency: .usd),
                act: .moneyBack(claim), until: Self.now + .days(40), result: result), by: "w-2")
    }

    /// The answer to the command for a part was lost, and all of the money went back by others. Its own request stands unanswered, and keeps
    /// nobody from telling so. Of what the list of orders shows nobody knows by whom it was: that is told again.
    @Test(arguments: [false, true]) func whatAllWentBackBesideEndsTheCommand(isListed: Bool) async {
        let world = World()
        let part = Money(minorUnits: 700, currency: .usd)
        let command = RefundCommand(id: "r-1", merchantID: "acme", reference: Self.reference, orderID: "g-1", amount: part, reason: nil)
        let refund = Refund(command, gateways: ["42"], since: Self.now, phase: .checking("g-1", part))
        append(refund.claim(.send(round: 1)), of: 700, to: world)
        let news = ResultEvent(
            subject: .recovery(Self.reference, RecoveredOrder(Self.reference)), merchantID: "acme", reason: .refunded, gatewayID: "42",
            flexFactorOrderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd), occurredAt: Self.now,
            distinction: isListed ? "listed" : "rf-9")
        let others = MoneyBackClaim(Fingerprint("rf-9"), .news(isWhole: true, isLate: false))
        append(isListed ? .listed(beside: 0, isLate: true) : others, of: 4_999, telling: news, to: world)
        world.state.withLock { state in
            state.refunded = 4_999
            state.waiting = [(IncomingMessage(body: refund.encoded(), type: Refund.type), Self.now)]
        }
        await world.run(Pod(world, dyingAfter: nil))
        let end = world.state.withLock { $0 }
        #expect(end.waiting.isEmpty && end.letters == 0 && end.requests == 0 && end.told.count == 1, "\(end.told.keys)")
        #expect(end.told.keys.allSatisfy { isListed ? $0 == news.id : $0.contains("/refund_failed/") }, "\(end.told.keys)")
    }

    /// A command for all of it is under way at another pod, and its answer comes or is lost. FlexFactor may answer a second one as done as well,
    /// and give nothing more: it is not asked meanwhile.
    @Test(arguments: [false, true]) func ofTwoCommandsForAllOfItOneIsToldAsRefunded(losesAnswer: Bool) async {
        let world = World()
        let whole = Money(minorUnits: 4_999, currency: .usd)
        let command = RefundCommand(id: "r-1", merchantID: "acme", reference: Self.reference, orderID: "g-1", amount: nil, reason: nil)
        let first = Refund(
            command, gateways: ["42"], since: Self.now, phase: losesAnswer ? .checking("g-1", whole) : .refunded("g-1", whole))
        append(first.claim(.send(round: 1)), of: 4_999, to: world)
        world.state.withLock { $0.waiting = [(self.command(nil, "r-2"), Self.now)] }
        let pod = Pod(world, dyingAfter: nil)
        for _ in 0..<6 { await world.run(pod) }
        let waiting = world.state.withLock { $0 }
        #expect(waiting.requests == 0 && waiting.told.isEmpty && waiting.waiting.count == 1)
        world.state.withLock { state in
            state.refunded = 4_999
            state.waiting.append((IncomingMessage(body: first.encoded(), type: Refund.type), world.clock.now()))
        }
        for _ in 0..<60 where world.state.withLock({ !$0.waiting.isEmpty }) { await world.run(pod) }
        let end = world.state.withLock { $0 }
        #expect(end.requests == 0 && end.letters == 0 && end.waiting.isEmpty)
        #expect(Set(end.told.keys.map { $0.contains("/refunded/") }) == [true, false] && end.told.count == 2, "\(end.told.keys)")
    }

    /// The claims, but for the place where the approval stands.
    private struct WithoutApproval: ClaimsPort {
        let base: MemoryClaims

        func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
            base.standing(of: reference, merchant: merchant)
        }
        func claim(_ request: ClaimRequest) async -> Claimed? { await base.claim(request) }
        func record(at offset: Int64) async -> ClaimRecord? { offset == 0 ? nil : await base.record(at: offset) }
        func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { [] }
        func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
            await base.first(of: reference, merchant: merchant)
        }
    }

    /// The approval can be read no more. What was told as back since is known, and is not asked for.
    @Test func whatIsLeftIsAskedForThoughTheApprovalIsUnreadable() async {
        let world = World()
        append(MoneyBackClaim(Fingerprint("rf-9"), .news(isWhole: false, isLate: false)), of: 500, to: world)
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .refund: .refunded
            default: .order(.completed)
            }
        }
        let stage = RetryStage(
            in: .sample(world.clock, claims: WithoutApproval(base: world.claims), cards: Vault(hasKey: false)), flexFactor: flexFactor,
            cancels: Cancels())
        world.clock.pass(.days(1))
        var message = command(nil)
        for _ in 0..<6 {
            guard let next = await stage.handle(message).publishing.first, next.type == Refund.type else { break }
            message = IncomingMessage(body: next.body, type: next.type)
        }
        #expect(flexFactor.calls.filter(\.charges) == [.refund("g-1", Money(minorUnits: 4_499, currency: .usd))])
    }

    /// Whoever had asked has become a letter: a copy of the command does not wait for it for ever.
    @Test func aCopyWaitsNoLongerThanACommandMayTake() async {
        let world = World()
        append(MoneyBackClaim(Fingerprint("r-1"), .send(round: 1)), of: 500, to: world)
        world.state.withLock { state in
            state.refunded = 4_999
            state.waiting = [(command(500), Self.now)]
        }
        let pod = Pod(world, dyingAfter: nil)
        await world.run(pod)
        let waiting = world.state.withLock { $0 }
        #expect(waiting.waiting.count == 1 && waiting.letters == 0)
        world.clock.pass(.days(1))
        await world.run(pod)
        let end = world.state.withLock { $0 }
        #expect(end.waiting.isEmpty && end.letters == 1 && end.told.isEmpty)
    }

    @Test func nothingIsGivenBackWhileNoClaimCanBeMade() async {
        let world = World()
        world.claims.isReachable = false
        let flexFactor = ScriptedFlexFactor(.order(.completed), .refunded)
        let stage = RetryStage(
            in: .sample(world.clock, claims: world.claims, cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            cancels: Cancels())
        let first = await stage.handle(command(500))
        guard let next = first.publishing.first else { return }
        let second = await stage.handle(IncomingMessage(body: next.body, type: next.type))
        #expect(!flexFactor.calls.contains { $0.charges } && second.publishing.map(\.destination) == [.delayed(.retry, .seconds(5))])
    }
}
