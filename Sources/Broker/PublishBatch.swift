/// Messages published together, and the task that waits until the broker has settled every one.
///
/// `@unchecked Sendable`: made by the task that publishes, then handed to the connection's thread through its inbox, and touched by no
/// one else until the last message is settled and the task is resumed.
final class PublishBatch: @unchecked Sendable {
    let messages: [OutgoingMessage]
    /// The number of the only session that may send them; `nil` for any.
    let session: Int?
    private var unsettled: Int
    /// Why each message is not with the broker; `nil` for one that is.
    private var failures: [PublishError?]
    private let continuation: UnsafeContinuation<[PublishError?], Never>

    init(_ messages: [OutgoingMessage], inSession session: Int?, _ continuation: UnsafeContinuation<[PublishError?], Never>) {
        self.messages = messages
        self.session = session
        unsettled = messages.count
        failures = Array(repeating: nil, count: messages.count)
        self.continuation = continuation
    }

    /// Notes a message's failure; it is settled later.
    func fail(_ index: Int, _ error: PublishError) {
        failures[index] = failures[index] ?? error
    }

    /// One message is settled. With the last one the waiting task goes on.
    func settle(_ index: Int, _ error: PublishError?) {
        if let error { fail(index, error) }
        unsettled -= 1
        if unsettled == 0 { continuation.resume(returning: failures) }
    }

    /// Every message is settled by the same failure: none was written.
    func failAll(_ error: PublishError) {
        for index in messages.indices { settle(index, error) }
    }
}
