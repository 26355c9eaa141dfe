import JSON

extension DeadLetter {
    /// The message body (schemas/dead-letter.v1.schema.json).
    package func encoded() -> [UInt8] {
        CloudEvent.encode(
            id: id.description, type: Self.type, subject: subject.reference?.text, time: writtenAt,
            reserving: 1_024 + 2 * original.redactedBody.count
        ) { data in
            data.member("reason", reason.rawValue)
            data.member("explanation", explanation)
            data.member("advice", reason.advice)
            data.member("replayable", !mayBeCharged)
            if !faults.isEmpty { data.faults(faults) }
            data.member("stage", stage.rawValue)
            data.member("attempts", Int64(attempts))
            data.optional("merchantId", subject.merchantID?.text)
            data.optional("recoveryReference", subject.reference?.text)
            data.optional("orderId", subject.orderID)
            data.optional("gatewayId", subject.gatewayID?.text)
            data.object("original") { write(original, to: &$0) }
            data.object("worker") { json in
                json.member("id", worker.id)
                json.member("host", worker.host)
                json.member("version", worker.version)
                json.optional("mapping", worker.mapping)
            }
        }
    }

    private func write(_ original: Original, to json: inout JSONObjectWriter) {
        json.member("exchange", original.exchange)
        json.member("routingKey", original.routingKey)
        json.member("redelivered", original.redelivered)
        json.optional("deliveries", original.deliveries.map(Int64.init))
        json.optional("messageId", original.messageID)
        json.optional("type", original.type)
        json.optional("contentType", original.contentType)
        json.optional("correlationId", original.correlationID)
        json.optional("replyTo", original.replyTo)
        if !original.headers.isEmpty {
            json.object("headers") { headers in
                // AMQP may hold a name twice, and JSON may not.
                var names: Set<String> = []
                for header in original.headers where names.insert(header.name).inserted { headers.member(named: header.name, header.value) }
            }
        }
        json.member("bytes", Int64(original.originalByteCount))
        if original.isTruncated { json.member("truncated", true) }
        if let text = String(validating: original.redactedBody, as: UTF8.self) {
            json.member("body", text)
        } else {
            json.member("bodyBase64", Base64.encode(original.redactedBody))
        }
    }
}
