package import DeclineRecovery

/// A message that a stage wants published before its delivery is finished.
package struct StageMessage: Sendable, Equatable {
    package let destination: Destination
    package let messageID: String
    package let type: String
    package let correlationID: String?
    package let traceparent: String?
    package let body: [UInt8]
    /// Whose share of its next stage's budget it takes; `nil` where nobody's FlexFactor is called.
    package var share: Share?

    /// What is slow together, and must leave room for the others.
    package struct Share: Sendable, Equatable {
        /// Merchant and gateway.
        package let owner: String
        /// From then on its stage calls nobody for it, and it need not wait for a turn.
        package let freeFrom: Moment?

        init(_ merchant: MerchantID, _ gateway: GatewayID?, freeFrom: Moment? = nil) {
            owner = Self.owner(merchant, gateway)
            self.freeFrom = freeFrom
        }

        /// As it travels: so many characters are enough to tell one from another.
        package static func owner(_ merchant: MerchantID, _ gateway: GatewayID?) -> String {
            String("\(merchant.text)/\(gateway?.text ?? "")".prefix(200))
        }
    }

    /// Where a message goes, in the pipeline's words; the service knows the exchanges.
    package enum Destination: Sendable, Equatable {
        case stage(Stage)
        /// To a stage, by way of the delay ladder.
        case delayed(Stage, Moment.Span)
        /// To whoever has bound a queue for `<order type>.<kind>`.
        case results(OrderType?, ResultKind)
        /// To the queue on which the CRM waits. It may be gone, and then nobody misses the message.
        case reply(queue: String)
        case deadLetters
        /// To every pod, for as long as a retry can live.
        case cancels
        case journal
    }

    package init(
        to destination: Destination, messageID: String, type: String, correlationID: String? = nil, traceparent: String?, body: [UInt8]
    ) {
        self.destination = destination
        self.messageID = messageID
        self.type = type
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.body = body
    }
}
