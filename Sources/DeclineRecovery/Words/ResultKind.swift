/// What a result event tells (messages.md, "Result event").
package enum ResultKind: String, Sendable, CaseIterable {
    case submitted, approved, declined, expired, cancelled, skipped, rejected, refunded, chargeback
    /// A final result turned out to be wrong: this one names it and takes its place.
    case correction
    /// It is not known whether the money was taken, and a person sees to it.
    case unresolved
    /// The answer to a cancel command that named nothing that could be cancelled.
    case nothingToCancel = "nothing_to_cancel"
    case refundFailed = "refund_failed"

    /// A recovery has exactly one final kind.
    package var isFinal: Bool {
        switch self {
        case .submitted, .refunded, .chargeback, .correction, .unresolved, .nothingToCancel, .refundFailed: false
        case .approved, .declined, .expired, .cancelled, .skipped, .rejected: true
        }
    }

    /// `nil` where the event says neither: the recovery goes on, was never begun, or the news is about later.
    package var success: Bool? {
        switch self {
        case .approved: true
        case .declined, .expired, .cancelled: false
        case .submitted, .skipped, .rejected, .refunded, .chargeback, .correction, .unresolved, .nothingToCancel, .refundFailed: nil
        }
    }

    /// What was told of a recovery answers a command to cancel it: nothing is left to cancel.
    package var answersCancel: Bool { self == .approved || self == .cancelled }

    /// Money went back.
    package var isMoneyBack: Bool { self == .refunded || self == .chargeback }

    package var messageType: String { Self.messageTypes[self] ?? Self.messageType(rawValue) }

    private static func messageType(_ word: String) -> String { "com.salvage.recovery.\(word).v1" }
    private static let messageTypes = Dictionary(uniqueKeysWithValues: allCases.map { ($0, messageType($0.rawValue)) })
}
