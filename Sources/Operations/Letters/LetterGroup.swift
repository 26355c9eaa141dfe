package import DeclineRecovery

/// Letters that died of one cause, at one stage, of one merchant: what an operator sees to at a time.
package struct LetterGroup: Sendable, Equatable {
    package let reason: DeadLetterReason
    package let stage: Stage
    package let merchantID: MerchantID?
    package let handling: LetterHandling
    /// Of one of them.
    package let example: String
    /// Of one of them: why it cannot succeed as it is.
    private let lack: String?
    package private(set) var count = 0
    package private(set) var oldest: Moment
    package private(set) var newest: Moment

    private struct Key: Hashable {
        let reason: DeadLetterReason
        let stage: Stage
        let merchantID: MerchantID?
        let handling: LetterHandling
    }

    /// What an operator does about them. A cause that is mended brings no card back that was removed.
    package var advice: String {
        switch reason {
        case .unreadable, .invalidEvent, .cardDataInClear: reason.advice
        default: lack.map { "\(reason.advice) As it is, it cannot succeed: \($0)." } ?? reason.advice
        }
    }

    /// The lower, the sooner. A customer's money in doubt must not vanish behind a cause that killed hundreds.
    private var urgency: Int { Self.urgency(of: reason, isInDoubt: handling == .reconcile) }

    static func urgency(of reason: DeadLetterReason, isInDoubt: Bool) -> Int { isInDoubt ? 0 : reason.needsCRMConsent ? 1 : 2 }

    /// The most urgent first: charges in doubt, then what the CRM has to agree to, then the largest.
    package static func of(_ letters: some Sequence<LetterSummary>) -> [LetterGroup] {
        var groups: [Key: LetterGroup] = [:]
        for letter in letters {
            let key = Key(reason: letter.reason, stage: letter.stage, merchantID: letter.merchantID, handling: letter.handling)
            var group =
                groups[key]
                ?? LetterGroup(
                    reason: letter.reason, stage: letter.stage, merchantID: letter.merchantID, handling: letter.handling,
                    example: letter.explanation, lack: letter.lack,
                    oldest: letter.firstAt, newest: letter.lastAt)
            group.count += 1
            group.oldest = min(group.oldest, letter.firstAt)
            group.newest = max(group.newest, letter.lastAt)
            groups[key] = group
        }
        return groups.values.sorted { left, right in
            if left.urgency != right.urgency { return left.urgency < right.urgency }
            if left.count != right.count { return left.count > right.count }
            func name(_ group: LetterGroup) -> (String, String, String, String) {
                (group.reason.rawValue, group.stage.rawValue, group.merchantID?.text ?? "", group.handling.rawValue)
            }
            return name(left) < name(right)
        }
    }
}
