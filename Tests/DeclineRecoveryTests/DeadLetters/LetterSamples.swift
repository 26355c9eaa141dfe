@testable import DeclineRecovery
import TestSupport

extension DeadLetter {
    /// - Parameter seconds: when it was written, after the beginning of 2026.
    static func sample(
        _ reason: DeadLetterReason = .noCardKey, stage: Stage = .intake, message: String? = "m-1", body: String = "{}",
        merchant: MerchantID? = "acme",
        order: String? = "A1", reference: RecoveryReference? = nil, gateway: GatewayID? = nil, explanation: String = "It died.",
        faults: [FieldError] = [], redelivered: Bool = false, type: String? = nil, isTruncated: Bool = false, attempts: Int = 0, at seconds: Int64 = 0
    ) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage, attempts: attempts,
            subject: Subject(merchantID: merchant, reference: reference, orderID: order, gatewayID: gateway),
            original: Original(
                exchange: "recovery.declines", routingKey: "decline.initial", redelivered: redelivered, messageID: message, type: type, contentType: nil,
                correlationID: nil, replyTo: nil, headers: [], redactedBody: Array(body.utf8), originalByteCount: body.utf8.count,
                isTruncated: isTruncated),
            identity: Array(body.utf8), worker: Worker(id: "w-1", host: "pod-1", version: "1.0"), writtenAt: .in2026(seconds))
    }
}

extension Moment {
    static func in2026(_ seconds: Int64) -> Moment { Moment(milliseconds: 1_767_225_600_000) + .seconds(seconds) }
}

extension UUID5 {
    static func numbered(_ number: UInt64) -> UUID5 { UUID5(high: 0x5EED, low: number) }
}

/// The stream of letters and records as the book reads it.
struct LetterTimeline {
    private(set) var book = LetterBook()
    private(set) var offset: Int64 = 0
    static let ada = LetterRecord.Operator(name: "ada", means: .commandLine)

    mutating func dies(_ letter: DeadLetter, _ trace: UUID5?) {
        book.take(letter, trace: trace, at: offset)
        offset += 1
    }

    mutating func says(_ act: LetterRecord.Act, note: String? = nil, by: LetterRecord.Operator = ada) {
        book.take(LetterRecord(id: .numbered(UInt64(offset)), at: .in2026(offset), by: by, note: note, act: act), at: offset)
        offset += 1
    }

    /// A run begins with letters and sends their messages.
    mutating func replays(_ letters: [UUID5], in run: UUID5) {
        says(.selected(letters, run: run, ReplayPlan(total: letters.count)))
        says(.replayed(letters, run: run))
    }

    subscript(_ letter: DeadLetter) -> LetterState? { book[letter.id]?.state }
    func isToDo(_ letter: DeadLetter) -> Bool { book[letter.id]?.isToDo ?? false }
}
