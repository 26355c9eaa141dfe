package import JSON

/// A message that could not be processed, with all that an operator needs to understand it (behaviour.md §10; schemas/dead-letter.v1.schema.json).
///
/// Immutable: what operators do with it is told by later records. The stored body is redacted before it comes here.
package struct DeadLetter: Sendable, Equatable {
    package static let type = "com.salvage.dead-letter.v1"

    /// The same message dying of the same cause at the same stage writes the same letter, however often it is repeated. What is a fact by itself
    /// is one letter whichever message it is met by.
    package let id: UUID5
    package let reason: DeadLetterReason
    package let explanation: String
    package let faults: [FieldError]
    package let stage: Stage
    package let attempts: Int
    package let subject: Subject
    package let original: Original
    package let worker: Worker
    package let writtenAt: Moment

    /// What the letter is about, as far as it could be read.
    package struct Subject: Sendable, Equatable {
        package let merchantID: MerchantID?
        package let reference: RecoveryReference?
        package let orderID: String?
        /// The FlexFactor gateway.
        package let gatewayID: GatewayID?

        package init(
            merchantID: MerchantID? = nil, reference: RecoveryReference? = nil, orderID: String? = nil, gatewayID: GatewayID? = nil
        ) {
            self.merchantID = merchantID
            self.reference = reference
            self.orderID = orderID
            self.gatewayID = gatewayID
        }

        package init(_ recovery: Recovery) {
            self.init(
                merchantID: recovery.merchantID, reference: recovery.reference, orderID: recovery.order.id, gatewayID: recovery.gatewayID)
        }
    }

    /// The message as it came.
    package struct Original: Sendable, Equatable {
        package let exchange: String
        package let routingKey: String
        package let redelivered: Bool
        /// How often it was handed out without being finished, where that is why it is here.
        package let deliveries: Int?
        package let messageID: String?
        package let type: String?
        package let contentType: String?
        package let correlationID: String?
        package let replyTo: String?
        package let headers: [Header]
        /// Without card data, whatever the original held. A card token may stand in it sealed.
        package let redactedBody: [UInt8]
        package let originalByteCount: Int
        /// Only the beginning of the body is kept: it was longer than anything that is worked on.
        package let isTruncated: Bool

        /// A header with its value as JSON, so that it keeps its type (`FieldValue.init(_:)` says how).
        package struct Header: Sendable, Equatable {
            package let name: String
            package let value: JSONValue

            package init(name: String, value: JSONValue) {
                self.name = name
                self.value = value
            }

            /// The value for a person to read.
            package var text: String { value.string ?? String(decoding: value.bytes, as: UTF8.self) }
        }

        package init(
            exchange: String, routingKey: String, redelivered: Bool, deliveries: Int? = nil, messageID: String?, type: String?,
            contentType: String?,
            correlationID: String?, replyTo: String?, headers: [Header], redactedBody: [UInt8], originalByteCount: Int,
            isTruncated: Bool = false
        ) {
            self.exchange = exchange
            self.routingKey = routingKey
            self.redelivered = redelivered
            self.deliveries = deliveries
            self.messageID = messageID
            self.type = type
            self.contentType = contentType
            self.correlationID = correlationID
            self.replyTo = replyTo
            self.headers = headers
            self.redactedBody = redactedBody
            self.originalByteCount = originalByteCount
            self.isTruncated = isTruncated
        }
    }

    /// The process that wrote the letter.
    package struct Worker: Sendable, Equatable {
        package let id: String
        package let host: String
        package let version: String
        /// The version of its built-in decline tables; `nil` in letters that do not say.
        package let mapping: String?

        package init(id: String, host: String, version: String, mapping: String? = DeclineTables.version) {
            self.id = id
            self.host = host
            self.version = version
            self.mapping = mapping
        }
    }

    /// - Parameters:
    ///   - source: who published the message, as it says itself; ids are unique within it (CloudEvents 1.0, `source`).
    ///   - fact: what the letter tells, where that is more than that this message died.
    ///   - identity: what tells the message from others where its id does not: its body, redacted, nothing sealed.
    package init(
        reason: DeadLetterReason, explanation: String, faults: [FieldError] = [], stage: Stage, attempts: Int = 0,
        subject: Subject = Subject(),
        original: Original, source: String? = nil, fact: String? = nil, identity: @autoclosure () -> [UInt8], worker: Worker,
        writtenAt: Moment
    ) {
        let name: String
        if let fact {
            name = "\(reason.rawValue)/\(fact)"
        } else {
            let publisher = [source, subject.merchantID?.text].compactMap { $0 }
            // Some publishers set an empty id. And two of them, or two merchants' orders of the same name, may have the same.
            var parts = [original.messageID].compactMap { $0 }.filter { !$0.isEmpty }
            parts += parts.isEmpty || publisher.isEmpty ? [String(decoding: identity(), as: UTF8.self)] : publisher
            name = "\(stage.rawValue)/\(reason.rawValue)/\(parts.joined(separator: "/"))"
        }
        self.init(
            id: UUID5(namespace: Self.namespace, name: name), reason: reason, explanation: explanation, faults: faults, stage: stage,
            attempts: attempts, subject: subject, original: original, worker: worker, writtenAt: writtenAt)
    }

    private static let namespace = UUID5(high: 0x6d1f_0c52_93be_4e07, low: 0x8f24_ab61_7c05_d9e3)

    init(
        id: UUID5, reason: DeadLetterReason, explanation: String, faults: [FieldError], stage: Stage, attempts: Int, subject: Subject,
        original: Original, worker: Worker, writtenAt: Moment
    ) {
        self.id = id
        self.reason = reason
        self.explanation = explanation
        self.faults = faults
        self.stage = stage
        self.attempts = attempts
        self.subject = subject
        self.original = original
        self.worker = worker
        self.writtenAt = writtenAt
    }

    /// What the CRM was told when the letter was written; a replay may tell it something else.
    package var crmWasTold: ResultKind? {
        switch reason {
        // There was no telling what is rejected.
        case .invalidEvent where !namesItself, .cardDataInClear where !namesItself: nil
        default: reason.crmWasTold
        }
    }

    /// Whether what could be read of it says what it is about: its order, or an id by which it could be called.
    private var namesItself: Bool {
        if subject.orderID != nil || original.messageID?.isEmpty == false { return true }
        guard let id = original.json?["id"]?.string else { return false }
        return (1...128).contains(id.utf8.count) && !CardDataGuard.isMarked(Array(id.utf8))
    }

    /// The charge may have happened: replaying the message could charge twice, so the letter is only reconciled.
    package var mayBeCharged: Bool {
        switch (reason, stage) {
        case (.outcomeUnknown, _): true
        // The CRM's order to cancel charges nobody.
        case (.crashesWorkers, _) where original.type == Cancellation.type: false
        // Intake and outcomes charge nobody. Of any other stage its worker may have sent the charge before it ended.
        case (.crashesWorkers, .intake), (.crashesWorkers, .outcomes): false
        case (.crashesWorkers, _): true
        default: false
        }
    }
}
