import DeclineRecovery
import Synchronization

/// An answer of the broker that is good for some seconds: it is asked no oftener, however many look.
final class Remembered<Answer: Sendable>: Sendable {
    private let span: Moment.Span
    private let last = Mutex<(at: Moment, answer: Answer)?>(nil)

    init(for span: Moment.Span) {
        self.span = span
    }

    func answer(_ now: Moment, _ ask: () async throws(BrokerFailure) -> Answer) async throws(BrokerFailure) -> Answer {
        if let last = last.withLock({ $0 }), now - last.at < span { return last.answer }
        let answer = try await ask()
        last.withLock { $0 = (now, answer) }
        return answer
    }
}
