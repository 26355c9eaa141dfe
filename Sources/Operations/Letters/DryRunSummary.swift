import Pipeline

/// A dry run of many letters in numbers.
package struct DryRunSummary: Sendable {
    package let count: Int
    /// Those that would be worked on, skipped, or of which it cannot be told; the rest is left out.
    package let goes: Int
    package let skips: Int
    package let unknown: Int
    /// Left out only because the CRM would be told `skipped`.
    package let wouldSkip: Int
    /// Why some are left out or would not be worked on, the commonest first.
    package let reasons: [Reason]

    package struct Reason: Sendable {
        package let sentence: String
        package let count: Int
        package let isLeftOut: Bool
    }

    package var sent: Int { goes + skips + unknown }

    package init(_ outcomes: [DryRun.Outcome]) {
        let sent = outcomes.filter { $0.refusal == nil }
        count = outcomes.count
        goes = sent.count { $0.forecast.verdict == .goes }
        skips = sent.count { $0.forecast.verdict == .skips }
        unknown = sent.count - goes - skips
        wouldSkip = outcomes.count(where: \.wouldSkip)
        reasons = Dictionary(grouping: outcomes.filter { $0.refusal != nil || $0.forecast.verdict != .goes }) {
            $0.refusalInFull ?? $0.forecast.sentence
        }
        .map { Reason(sentence: $0.key, count: $0.value.count, isLeftOut: $0.value[0].refusal != nil) }
        .sorted { ($1.count, $0.sentence) < ($0.count, $1.sentence) }
    }
}
