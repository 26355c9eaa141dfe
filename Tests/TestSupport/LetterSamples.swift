package import DeclineRecovery

extension DeadLetter {
    /// - Parameter seconds: when it was written, after the beginning of 2026.
    package static func sample(
        _ reason: DeadLetterReason = .noCardKey, stage: Stage = .intake, message: String? = "m-1", body: String = "{}",
        merchant: MerchantID? = "acme",
        order: String? = "A1", reference: RecoveryReference? = nil, gateway: GatewayID? = nil, explanation: String = "It died.",
        faults: [FieldError] = [], redelivered: Bool = false, type: String? = nil, isTruncated: Bool = false, attempts: Int = 0,
        at seconds: Int64 = 0
    ) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage, attempts: attempts,
            subject: Subject(merchantID: merchant, reference: reference, orderID: order, gatewayID: gateway),
            original: Original(
                exchange: "recovery.declines", routingKey: "decline.initial", redelivered: redelivered, messageID: message, type: type,
                contentType: nil,
                correlationID: nil, replyTo: nil, headers: [], redactedBody: Array(body.utf8), originalByteCount: body.utf8.count,
                isTruncated: isTruncated),
            identity: Array(body.utf8), worker: Worker(id: "w-1", host: "pod-1", version: "1.0"), writtenAt: .in2026(seconds))
    }
}

extension Moment {
    package static func in2026(_ seconds: Int64) -> Moment { Moment(milliseconds: 1_767_225_600_000) + .seconds(seconds) }
}

extension UUID5 {
    package static func numbered(_ number: UInt64) -> UUID5 { UUID5(high: 0x5EED, low: number) }
}

extension LetterRecord.Operator {
    package static let ada = LetterRecord.Operator(name: "ada", means: .commandLine)
}
