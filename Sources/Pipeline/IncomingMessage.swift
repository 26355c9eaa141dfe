package import DeclineRecovery
package import JSON

/// A delivery as a stage sees it: what was sent, how it came, and no way to finish it. Finishing is what a stage's answer is for.
///
/// An object that never changes.
package final class IncomingMessage: Sendable {
    package let body: [UInt8]
    /// How long the body was when it came. Of one that is longer than anything that is worked on only the beginning is at hand.
    package let byteCount: Int
    package let contentType: String?
    package let messageID: String?
    package let type: String?
    package let correlationID: String?
    package let replyTo: String?
    /// W3C trace context, passed on through every hop.
    package let traceparent: String?
    /// The other headers, for a dead letter to keep.
    package let headers: [(name: String, value: JSONValue)]
    package let exchange: String
    package let routingKey: String
    /// The broker handed this message out before, to us or to a pod that died.
    package let redelivered: Bool
    /// How often the broker handed this message out before without its being finished.
    package let deliveries: Int
    /// When it was to come out of the delay ladder.
    package let due: Moment?
    /// Where a suspect comes from; its exchange and routing key are those it had there.
    package let setAside: SetAside?
    /// Which queue's limit brought it here; its exchange and routing key are those it had before.
    package let drivenOut: DrivenOut?

    package init(
        body: [UInt8], byteCount: Int? = nil, contentType: String? = nil, messageID: String? = nil, type: String? = nil,
        correlationID: String? = nil,
        replyTo: String? = nil, traceparent: String? = nil, headers: [(name: String, value: JSONValue)] = [], exchange: String = "",
        routingKey: String = "", redelivered: Bool = false, deliveries: Int = 0, due: Moment? = nil, setAside: SetAside? = nil,
        drivenOut: DrivenOut? = nil
    ) {
        self.body = body
        self.byteCount = byteCount ?? body.count
        self.contentType = contentType
        self.messageID = messageID
        self.type = type
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.traceparent = traceparent
        self.headers = headers
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
        self.deliveries = deliveries
        self.due = due
        self.setAside = setAside
        self.drivenOut = drivenOut
    }

    /// The same with another trace context, or as it came to another exchange.
    package func with(traceparent: String? = nil, exchange: String? = nil) -> IncomingMessage {
        IncomingMessage(
            body: body, byteCount: byteCount, contentType: contentType, messageID: messageID, type: type, correlationID: correlationID,
            replyTo: replyTo, traceparent: traceparent ?? self.traceparent, headers: headers, exchange: exchange ?? self.exchange,
            routingKey: routingKey, redelivered: redelivered, deliveries: deliveries, due: due, setAside: setAside, drivenOut: drivenOut)
    }
}
