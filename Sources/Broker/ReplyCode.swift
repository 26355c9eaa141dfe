/// Reply codes of AMQP 0-9-1 §1.2 that mean more here than that something was refused.
enum ReplyCode {
    static let contentTooLarge: UInt16 = 311
    /// The broker closes the connection because it, or an operator, wants it so; nothing that was asked for is at fault.
    static let connectionForced: UInt16 = 320
    /// From here on the broker itself is at fault, or the protocol was broken.
    static let firstOfErrors: UInt16 = 500

    /// Whether what was asked for is refused, and nothing else is amiss.
    static func isOfQuestion(_ code: UInt16) -> Bool { code < firstOfErrors && code != connectionForced }
}
