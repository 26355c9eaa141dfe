package import JSON

extension DeadLetter {
    /// Reads a letter back; the fault names what is missing or not of its form.
    package static func decode(_ bytes: [UInt8]) -> Result<DeadLetter, EnvelopeFault> {
        do throws(EnvelopeFault) {
            return .success(try read(CloudEvent.reader(of: bytes, type: type, limits: JSONLimits(bytes: 64 << 20, depth: 64))))
        } catch {
            return .failure(error)
        }
    }

    private static func read(_ event: EnvelopeReader) throws(EnvelopeFault) -> DeadLetter {
        let data = try event.object("data")
        let original = try data.object("original")
        let worker = try data.object("worker")
        let body: [UInt8]
        if let text = try original.optionalUTF8("body") {
            body = text
        } else {
            guard let decoded = Base64.decode(try original.text("bodyBase64")) else { throw original.fault("bodyBase64", "Base64") }
            body = decoded
        }
        return DeadLetter(
            id: try event.id("id"), reason: try data.word("reason"), explanation: try data.text("explanation"),
            faults: try data.faults(), stage: try data.word("stage"), attempts: try data.count("attempts"),
            subject: Subject(
                merchantID: try data.optionalText("merchantId").map(MerchantID.init(_:)),
                reference: try data.optionalText("recoveryReference").flatMap { RecoveryReference($0) },
                orderID: try data.optionalText("orderId"), gatewayID: try data.optionalText("gatewayId").map(GatewayID.init(_:))),
            original: Original(
                exchange: try original.text("exchange"), routingKey: try original.text("routingKey"),
                redelivered: try original.flag("redelivered"),
                deliveries: try original.optionalCount("deliveries"), messageID: try original.optionalText("messageId"),
                type: try original.optionalText("type"),
                contentType: try original.optionalText("contentType"), correlationID: try original.optionalText("correlationId"),
                replyTo: try original.optionalText("replyTo"),
                headers: try original.optionalObject("headers")?.members().map { Original.Header(name: $0.name, value: $0.value) } ?? [],
                redactedBody: body, originalByteCount: try original.count("bytes"),
                isTruncated: try original.optionalFlag("truncated") ?? false),
            worker: Worker(
                id: try worker.text("id"), host: try worker.text("host"), version: try worker.text("version"),
                mapping: try worker.optionalText("mapping")),
            writtenAt: try event.time("time"))
    }
}

extension DeadLetter.Original {
    /// The message as JSON; `nil` where it is none.
    package var json: JSONValue? { try? JSONValue(parsing: redactedBody.span, limits: JSONLimits(bytes: .max, depth: 512)) }
}
