/// Messages published together, and whoever is told once the broker has settled every one.
///
/// `@unchecked Sendable`: made by who publishes, then handed to the connection's thread through its inbox, and touched by no one else until
/// the last message is settled.
final class PublishBatch: @unchecked Sendable {
    let messages: [OutgoingMessage]
    /// The number of the only session that may send them; `nil` for any.
    let session: Int?
    private var unsettled: Int
    /// Why each message is not with the broker, `nil` for one that is; empty as long as none has failed, as nearly always to the end.
    private var failures: [PublishError?] = []
    private let listener: Listener

    /// Who is told, once. Every message has one, so who only waits, or only wants to hear of a failure, needs no closure around that.
    enum Listener {
        case waiting(UnsafeContinuation<[PublishError?], Never>)
        /// Of a batch of one.
        case onFailure(@Sendable (PublishError) -> Void)
        case onSettled(@Sendable ([PublishError?]) -> Void)
    }

    init(_ messages: [OutgoingMessage], inSession session: Int? = nil, _ listener: Listener) {
        self.messages = messages
        self.session = session
        unsettled = messages.count
        self.listener = listener
    }

    /// Notes a message's failure; it is settled later.
    func fail(_ index: Int, _ error: PublishError) {
        if failures.isEmpty { failures = Array(repeating: nil, count: messages.count) }
        failures[index] = failures[index] ?? error
    }

    /// One message is settled. With the last one whoever waits is told.
    func settle(_ index: Int, _ error: PublishError?) {
        if let error { fail(index, error) }
        unsettled -= 1
        guard unsettled == 0 else { return }
        switch listener {
        case .waiting(let continuation): continuation.resume(returning: failures)
        case .onFailure(let tell): if let failure = failures.first ?? nil { tell(failure) }
        case .onSettled(let tell): tell(failures)
        }
    }

    /// Every message is settled by the same failure: none was written.
    func failAll(_ error: PublishError) {
        for index in messages.indices { settle(index, error) }
    }
}
