import JSON

/// To which queues an answer may go.
///
/// `reply_to` is the sender's word, and publishing by it is done with our rights: whoever may only write declines would have us write to any
/// queue of the virtual host. So an answer goes to queues that nobody else's messages are meant for: exclusive ones that the broker named for
/// one connection, RabbitMQ's direct reply-to (which the broker rewrites to `amq.rabbitmq.reply-to.<token>` on the way here), and those under
/// one prefix that the operators set aside for it.
///
/// A queue that the broker named may be shared as well. Nobody can tell without a right on it (from RabbitMQ 4.2.6 on), and who is told of
/// its name, 22 random characters, was told by whoever made it: nobody can have an answer sent where he could not send it himself.
package struct ReplyPolicy: Sendable, Equatable {
    package static let defaultPrefix = "salvage.reply."
    private static let direct = "amq.rabbitmq.reply-to."

    /// Empty for none.
    package let prefix: String

    package init(prefix: String = ReplyPolicy.defaultPrefix) {
        self.prefix = prefix
    }

    package func allows(_ queue: String) -> Bool {
        // Longer names have no place in AMQP.
        if queue.utf8.count > 255 { return false }
        if queue.utf8.starts(with: Self.direct.utf8) { return Self.isToken(queue.utf8.dropFirst(Self.direct.utf8.count)) }
        return Self.begins(queue, with: "amq.gen-") || queue.utf8.elementsEqual("amq.rabbitmq.reply-to".utf8)
            || !prefix.isEmpty && Self.begins(queue, with: prefix)
    }

    /// Whether the broker can have written it: the id of an Erlang process (external term format, version 131, tag 88 or 103) and a key,
    /// each in Base64. RabbitMQ ends the connection that sends to what it cannot read. What looks right may still be forged, or of a node
    /// that is gone: for that, replies have a connection to themselves.
    private static func isToken(_ text: Substring.UTF8View) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 2, let process = Base64.decode(parts[0]), let key = Base64.decode(parts[1]) else { return false }
        return process.count > 2 && process[0] == 131 && (process[1] == 88 || process[1] == 103) && !key.isEmpty
    }

    /// Byte by byte, as the broker compares names.
    private static func begins(_ name: String, with prefix: String) -> Bool {
        name.utf8.starts(with: prefix.utf8) && name.utf8.count > prefix.utf8.count
    }
}
