/// Messages published together, and whoever is told once the broker has settled every one.
///
/// `@unchecked Sendable`: made by who publishes, then handed to the connection's thread through its inbox, and touched by no one else until
/// the last message is settled.
final class PublishBatch: @unchecked Sendable {
    let messages: [OutgoingMessage]
    /// The number of the only session that may send them; `nil` for any.
    let session: Int?
    private var unsettled: Int
    /// Why each message is not with the broker; `nil` for one that is.
    private var failures: [PublishError?]
    private let onSettled: @Sendable ([PublishError?]) -> Void

    init(_ messages: [OutgoingMessage], inSession session: Int? = nil, _ onSettled: @escaping @Sendable ([PublishError?]) -> Void) {
        self.messages = messages
        self.session = session
        unsettled = messages.count
        failures = Array(repeating: nil, count: messages.count)
        self.onSettled = onSettled
    }

    /// Notes a message's failure; it is settled later.
    func fail(_ index: Int, _ error: PublishError) {
        failures[index] = failures[index] ?? error
    }

    /// One message is settled. With the last one whoever waits is told.
    func settle(_ index: Int, _ error: PublishError?) {
        if let error { fail(index, error) }
        unsettled -= 1
        if unsettled == 0 { onSettled(failures) }
    }

    /// Every message is settled by the same failure: none was written.
    func failAll(_ error: PublishError) {
        for index in messages.indices { settle(index, error) }
    }
}
