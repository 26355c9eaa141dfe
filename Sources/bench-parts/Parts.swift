import DeclineRecovery
import FlexFactor
import JSON
import Pipeline
import TestSupport

/// What is measured, by name, with all it needs made before.
struct Parts {
    let all: [(name: String, run: () -> Void)]

    /// - Parameter body: a decline event that takes the way of a cascade.
    init?(event body: [UInt8]) {
        guard case .decline(let event) = CRMMessage.decode(body) else { return nil }
        let now = event.declinedAt + .milliseconds(50)
        let merchant = Merchant(
            id: event.merchantID, flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)],
            gateways: [Gateway(id: event.decline.gatewayID, type: "nmi")])
        let stage = IntakeStage(in: .sample(Fixed(at: now), claims: MemoryClaims(now: now)), merchants: Merchants(merchant))
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let message = IncomingMessage(body: body, messageID: event.id, traceparent: traceparent)
        let classification = DeclineMapping.classify(DeclineCase(event), merchant: merchant)
        guard let outcome = Self.outcome({ await stage.handle(message) }),
            let key = HMACSigningKey(base64: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="),
            let envelope = outcome.publishing.first(where: { if case .stage = $0.destination { true } else { false } })?.body
        else { return nil }
        let charge = IncomingMessage(body: envelope, messageID: event.id, traceparent: traceparent)
        all = [
            ("read JSON", { keep(try? JSONValue(parsing: body.span)) }),
            ("decode the event", { keep(CRMMessage.decode(body)) }),
            ("decide soft or hard", { keep(DeclineMapping.classify(DeclineCase(event), merchant: merchant)) }),
            ("what the journal keeps of it", { keep(JournaledDecline(event, classification)) }),
            ("name the recovery", { keep(RecoveryReference(for: event)) }),
            ("intake as a whole", { keep(Self.outcome { await stage.handle(message) }) }),
            ("journal record", { keep(outcome.publishing(from: .intake, at: now, worker: "w-1", traceparent: traceparent)) }),
            ("read the envelope", { keep(WorkEnvelope.decode(envelope)) }),
            (
                "sign a call",
                {
                    var fields = HeaderFields(reserving: 800)
                    fields.sign(body, method: "POST", host: "api.example.test", key: key, now: now)
                    keep(fields)
                }
            ),
            (
                "cascade as a whole, without the call",
                {
                    // Nothing is claimed yet each time.
                    let environment = StageEnvironment.sample(Fixed(at: now), claims: MemoryClaims(now: now))
                    let cascade = CascadeStage(in: environment, flexFactor: Declining())
                    keep(Self.outcome { await cascade.handle(charge) })
                }
            ),
        ]
    }

    /// A stage that waits for nobody ends at once.
    private static func outcome(_ handle: @escaping @Sendable () async -> StageOutcome) -> StageOutcome? {
        let answer = Answer()
        Task.immediate { answer.outcome = await handle() }
        return answer.outcome
    }

    /// Written and read on one thread: `Task.immediate` runs what does not wait before it returns, and the task that waits is given up.
    private final class Answer: @unchecked Sendable {
        var outcome: StageOutcome?
    }

    /// FlexFactor, saying no at once.
    private struct Declining: FlexFactorPort {
        func perform(
            _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
            writtenBy: ContinuousClock.Instant?
        ) async -> FlexFactorAnswer { .evaluated(.declined, FlexFactorOrderID("6a0f1f9e")) }

        func tokenize(
            _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
        ) async -> FlexFactorAnswer { .failed(.notSent(.cannotConnect("nobody is there"))) }
    }

    private struct Fixed: WallClock {
        let at: Moment
        func now() -> Moment { at }
    }
}

/// So that no work is left out because nobody looks at what comes of it.
@inline(never)
func keep<Value>(_ value: Value) { withExtendedLifetime(value) {} }
