import Synchronization

@testable import Broker

/// A queue without a broker: it hands out what a test wants, takes publishes as the test says, and remembers what ended.
final class ScriptedQueue: DeliverySource {
    /// Why the broker does not take a message; `nil` where it does.
    typealias Answer = @Sendable (_ message: Broker.OutgoingMessage, _ attempt: Int) -> PublishError?

    private struct State {
        var handedOut: UInt64 = 0
        var generation: UInt64 = 1
        var attempts = 0
        var published: [Broker.OutgoingMessage] = []
        var finished: [UInt64] = []
    }

    let queue: String
    private let answer: Answer
    private let state = Mutex(State())

    init(_ queue: String, answer: @escaping Answer = { _, _ in nil }) {
        self.queue = queue
        self.answer = answer
    }

    func delivery(
        _ body: [UInt8] = [], byteCount: Int? = nil, _ properties: MessageProperties = MessageProperties(), exchange: String = "x",
        redelivered: Bool = false
    ) -> Delivery {
        state.withLock { state in
            state.handedOut += 1
            return Delivery(
                body: body, byteCount: byteCount ?? body.count, properties: properties, exchange: exchange, routingKey: queue,
                redelivered: redelivered, consumer: self, tag: state.handedOut, generation: state.generation)
        }
    }

    func loseConnection() { state.withLock { $0.generation += 1 } }

    /// What the broker has, in the order in which it came.
    var published: [Broker.OutgoingMessage] { state.withLock { $0.published } }
    /// How often something was published, taken or not.
    var attempts: Int { state.withLock { $0.attempts } }
    /// The numbers of the deliveries that ended, from 1.
    var finished: [UInt64] { state.withLock { $0.finished } }

    func isCurrent(_ generation: UInt64) -> Bool { state.withLock { $0.generation == generation } }

    func settled(_ messages: [Broker.OutgoingMessage]) async -> [PublishError?] {
        state.withLock { state in
            state.attempts += 1
            return messages.map { message in
                let failure = answer(message, state.attempts)
                if failure == nil { state.published.append(message) }
                return failure
            }
        }
    }

    func settle(_ settlement: Consumer.Settlement, _ generation: UInt64) {
        state.withLock { if case .finish(let tag) = settlement, $0.generation == generation { $0.finished.append(tag) } }
    }
}
