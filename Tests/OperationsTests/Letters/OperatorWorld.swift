import DeclineRecovery
import Operations
import Pipeline
import TestSupport
import Testing

/// Letters, operators and a fleet in virtual time.
struct OperatorWorld {
    static let start = Moment(milliseconds: 1_800_000_000_000)

    let broker: MemoryBroker
    let clock = ManualClock(start + .days(1))
    let claims = MemoryClaims()
    let flexFactor: ScriptedFlexFactor
    /// `nil` where no configuration is at hand.
    let merchants: Merchants?

    init(
        flexFactor: ScriptedFlexFactor = ScriptedFlexFactor(.order(.completed)), merchants: Merchants? = nil,
        fleet: @escaping @Sendable (ReplayMessage) -> MemoryBroker.Fate = { _ in .told(.approved) }
    ) {
        broker = MemoryBroker(fleet: fleet)
        self.flexFactor = flexFactor
        self.merchants = merchants
    }

    /// A recovery that died, as a worker that can seal its token keeps it: with nothing removed.
    static func letter(
        _ order: String, _ reason: DeadLetterReason = .refusedByFlexFactor, phase: RecoveryPhase = .due, at now: Moment = start
    ) -> DeadLetter {
        let recovery = Recovery.sample(order: order, declinedAt: start).at(phase)
        let body = WorkEnvelope.encode(recovery)
        return DeadLetter(
            reason: reason, explanation: "for a test", stage: .cascade, subject: DeadLetter.Subject(recovery),
            original: DeadLetter.Original(
                exchange: "recovery.work", routingKey: "cascade", redelivered: false, messageID: recovery.reference.text + "/work",
                type: WorkEnvelope.type,
                contentType: nil, correlationID: nil, replyTo: nil, headers: [], redactedBody: body, originalByteCount: body.count),
            identity: body, worker: .sample, writtenAt: now)
    }

    /// A decline event that died as it was taken in, with its card sealed.
    ///
    /// - Parameters:
    ///   - trigger: with what belongs to it.
    ///   - order: more members of the order.
    static func declined(
        _ id: String, trigger: String = #""initial""#, merchant: String = "acme", order: String = "", at declined: Moment = start,
        reason: DeadLetterReason = .noCardKey
    ) -> DeadLetter {
        let body = Array(
            (#"{"specversion":"1.0","id":"d-\#(id)","source":"crm","type":"com.salvage.decline.v1","time":"\#(declined.rfc3339)","#
                + #""data":{"merchantId":"\#(merchant)","trigger":\#(trigger),"#
                + #""order":{"id":"\#(id)","type":"new_sale","ipAddress":"203.0.113.7"\#(order)},"#
                + #""decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"201","transactionId":"T-1"},"#
                + #""amount":{"minorUnits":4999,"currency":"USD"},"#
                + #""billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main","#
                + #""city":"Troy","state":"NY","zipCode":"12180"},"paymentMethod":{"encryptedCard":"sealed.1.b.c.d"}}}"#).utf8)
        return DeadLetter(
            reason: reason, explanation: "for a test", stage: .intake,
            subject: DeadLetter.Subject(merchantID: MerchantID(merchant), orderID: id),
            original: DeadLetter.Original(
                exchange: "declines", routingKey: "decline.initial", redelivered: false, messageID: id, type: nil, contentType: nil,
                correlationID: nil, replyTo: nil, headers: [], redactedBody: body, originalByteCount: body.count),
            identity: body, worker: .sample, writtenAt: declined)
    }

    @discardableResult
    func write(_ letters: [DeadLetter]) -> [UUID5] {
        for letter in letters { broker.write(letter) }
        return letters.map(\.id)
    }

    /// What one operator's process works with, its letters read.
    func tools(_ process: Process) async throws -> LetterTools {
        let store = LetterStore(process, TopologyNames(), clock: clock)
        try await store.follow()
        return LetterTools(
            store: store, forecaster: { Forecaster(merchants: merchants, now: clock.now()) },
            reconciler: Reconciler(
                in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels(), wait: { await clock.wait($0) }))
    }

    /// What the console of one operator asks.
    func console(_ process: Process? = nil) async throws -> ConsoleAPI {
        let process = process ?? broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: clock)
        let tools = try await tools(process)
        flow.lettersAreReady()
        return ConsoleAPI(
            tools: tools, flow: flow, merchants: { merchants?.merchants ?? [] },
            draft: { _, merchant throws(DraftFaults) in merchant }, version: "test")
    }

    /// Lets one process do one thing to its end, or to its own.
    @discardableResult
    func act(
        _ order: LetterAction, _ selection: LetterSelection, dyingAfter effects: Int = .max, by: LetterRecord.Operator = .ada
    ) async throws -> (job: LetterJob, isAlive: Bool) {
        let process = broker.process(dyingAfter: effects)
        let job = LetterJob(order, selection, by: by, note: "because", tools: try await tools(process))
        await job.run()
        return (job, process.isAlive)
    }

    /// The letters as anybody reads them now.
    func book() async throws -> LetterBook { try await tools(broker.process()).store.look { $0 } }

    func states(_ letters: [UUID5]) async throws -> [LetterState] {
        let book = try await book()
        return try letters.map { try #require(book[$0]).state }
    }
}

extension LetterAction {
    static func replay(isCanary: Bool = false, ofCRM: Bool = false) -> LetterAction {
        .replay(correction: nil, isCanary: isCanary, rate: 50, consent: ReplayConsent(ofCRM: ofCRM))
    }
}
