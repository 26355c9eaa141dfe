import DeclineRecovery
import FlexFactor
import NIOCore
import Pipeline
import Synchronization

/// An event loop with its own HTTP connections: a message that comes here stays here until it is finished.
final class Lane: Sendable {
    let eventLoop: any EventLoop
    let executor: LaneExecutor
    let http: HTTPLane
    private let beat = Atomic<Int64>(0)

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        executor = LaneExecutor(eventLoop)
        http = HTTPLane(eventLoop: eventLoop) { Descriptors.ofThisProcess.spare() > Descriptors.ofTheBroker }
    }

    /// A sign of life each second, for `/livez`.
    func startBeating() {
        beat.store(Self.seconds, ordering: .relaxed)
        eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [weak self] _ in
            self?.beat.store(Self.seconds, ordering: .relaxed)
        }
    }

    var secondsSinceBeat: Int64 { Self.seconds - beat.load(ordering: .relaxed) }

    private static var seconds: Int64 { Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000_000) }
}

/// FlexFactor as the stages of one lane call it.
struct LaneFlexFactor: FlexFactorPort {
    let store: ConfigurationStore
    let lane: Lane
    let keys: CardKeyRing

    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        guard let client = store.client(GatewayKey(merchant, gateway)) else { return Self.noGateway(merchant, gateway) }
        return await client.perform(call, on: lane.http, traceparent: traceparent, deadline: deadline, writtenBy: writtenBy)
    }

    func account(of merchant: MerchantID, gateway: GatewayID) -> String? {
        store.client(GatewayKey(merchant, gateway))?.credentials.mid
    }

    func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool {
        store.merchant(merchant)?.flexFactorGateways[gateway]?.isRetired ?? false
    }

    func noteMisdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, _ failure: CallFailure) {
        store.client(GatewayKey(merchant, gateway))?.note(call, failure)
    }

    func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer {
        guard let client = store.client(GatewayKey(merchant, gateway)) else { return Self.noGateway(merchant, gateway) }
        switch keys.keys.open(card, of: charge) {
        case .failure(let failure):
            return .cardUnusable(FieldError(path: "$.data.paymentMethod.encryptedCard", message: failure.description))
        case .success(.token(let token)): return .tokenized(token)
        case .success(.card(let clear)):
            switch await client.tokenize(clear, on: lane.http, traceparent: traceparent, deadline: deadline) {
            case .success(let token): return .tokenized(token, clear.facts)
            case .failure(let failure): return .failed(failure)
            }
        }
    }

    private static func noGateway(_ merchant: MerchantID, _ gateway: GatewayID) -> FlexFactorAnswer {
        .failed(.notSent(.misconfigured("the configuration has no FlexFactor gateway \(gateway) of merchant \(merchant)")))
    }
}
