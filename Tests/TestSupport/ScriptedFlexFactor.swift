package import DeclineRecovery
import Pipeline
import Synchronization

/// FlexFactor that answers what a test says, and remembers what it was asked.
package final class ScriptedFlexFactor: FlexFactorPort {
    package struct Asked: Sendable, Equatable {
        package let call: FlexFactorCall
        package let merchant: MerchantID
        package let gateway: GatewayID
        package let traceparent: String?
        package let deadline: Moment
        package let writtenBy: ContinuousClock.Instant?
    }

    private let answer: @Sendable (FlexFactorCall, _ number: Int) -> FlexFactorAnswer
    private struct State {
        var asked: [Asked] = []
        var tokenizations = 0
        var accounts: [GatewayID: String] = [:]
        var retired: Set<GatewayID> = []
        var misdirected = 0
        var exchange: @Sendable (Int) -> FlexFactorAnswer = { _ in .tokenized(CardToken("tok_fresh")) }
    }

    private let state = Mutex(State())

    /// What an exchange of a card brings, by how many came before.
    package var exchange: @Sendable (Int) -> FlexFactorAnswer {
        get { state.withLock { $0.exchange } }
        set { state.withLock { $0.exchange = newValue } }
    }

    /// The account that each gateway has; without one it is not known.
    package var accounts: [GatewayID: String] {
        get { state.withLock { $0.accounts } }
        set { state.withLock { $0.accounts = newValue } }
    }

    /// The gateways that take nothing new.
    package var retired: Set<GatewayID> {
        get { state.withLock { $0.retired } }
        set { state.withLock { $0.retired = newValue } }
    }

    package init(_ answer: @escaping @Sendable (FlexFactorCall, Int) -> FlexFactorAnswer) {
        self.answer = answer
    }

    /// One answer after the other; the last goes on.
    package convenience init(_ answers: FlexFactorAnswer...) {
        self.init { _, number in answers[min(number, answers.count - 1)] }
    }

    package var asked: [Asked] { state.withLock { $0.asked } }
    package var calls: [FlexFactorCall] { asked.map(\.call) }
    package var tokenizations: Int { state.withLock { $0.tokenizations } }
    /// How often operators were told of a call that another account would have got.
    package var notedMisdirected: Int { state.withLock { $0.misdirected } }

    package func account(of merchant: MerchantID, gateway: GatewayID) -> String? { state.withLock { $0.accounts[gateway] } }

    package func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool { state.withLock { $0.retired.contains(gateway) } }

    package func noteMisdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, _ failure: CallFailure) {
        state.withLock { $0.misdirected += 1 }
    }

    package func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        let number = state.withLock { state in
            state.asked.append(
                Asked(
                    call: call, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: deadline, writtenBy: writtenBy))
            return state.asked.count - 1
        }
        return answer(call, number)
    }

    package func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer {
        let (number, exchange) = state.withLock { state in
            state.tokenizations += 1
            return (state.tokenizations - 1, state.exchange)
        }
        return exchange(number)
    }
}

extension FlexFactorCall {
    /// Whether it can take money.
    package var charges: Bool {
        switch self {
        case .evaluate, .capture, .refund: true
        case .find, .lookUp, .cancel, .cancelByReference, .recall: false
        }
    }
}

extension FlexFactorAnswer {
    package static func order(_ state: FlexFactorOrder.State, _ id: FlexFactorOrderID = "g-1") -> FlexFactorAnswer {
        .found(FlexFactorOrder(id: id, state: state))
    }
}
