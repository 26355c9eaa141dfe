/// Messages published together, and the task that waits until the broker has settled every one.
///
/// `@unchecked Sendable`: made by the task that publishes, then handed to the connection's thread through its inbox, and touched by no
/// one else until the last message is settled and the task is resumed.
final class PublishBatch: @unchecked Sendable {
    let messages: [OutgoingMessage]
    /// The number of the only session that may send them; `nil` for any.
    let session: Int?
    private var unsettled: Int
    private var failure: PublishError?
    private let continuation: UnsafeContinuation<PublishError?, Never>

    init(_ messages: [OutgoingMessage], inSession session: Int?, _ continuation: UnsafeContinuation<PublishError?, Never>) {
        self.messages = messages
        self.session = session
        self.unsettled = messages.count
        self.continuation = continuation
    }

    /// Notes a failure; the message is settled later.
    func fail(_ error: PublishError) {
        failure = failure ?? error
    }

    /// One message is settled. With the last one the waiting task goes on, with the first failure if there was any.
    func settle(_ error: PublishError?) {
        if let error { fail(error) }
        unsettled -= 1
        if unsettled == 0 { continuation.resume(returning: failure) }
    }

    /// Every message is settled by the same failure: none was written.
    func failAll(_ error: PublishError) {
        for _ in 0..<unsettled { settle(error) }
    }
}
