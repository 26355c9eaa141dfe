import DeclineRecovery
import Operations

/// What the console counts for alerts: how things stand, where the workers count what happens.
struct ConsoleMetrics: Sendable {
    private let letters = Metric("salvage_dead_letters", "Dead letters that somebody has to see to.", labels: ["reason", "handling"], kind: .gauge)
    private let unknown = Metric("salvage_unknown_outcomes", "Charges that may or may not have happened, as the journal tells.", kind: .gauge)
    private let oldest = Metric("salvage_unknown_outcome_oldest_seconds", "Age of the oldest of them.", kind: .gauge)
    private let parked = Metric("salvage_parked_recoveries", "Recoveries that wait for their next step.", kind: .gauge)

    /// The page that Prometheus reads.
    func page(_ shelf: LetterShelf, _ flow: FlowShelf, now: Moment) -> String {
        letters.reset()
        for (reason, counts) in shelf.look({ $0.toDo() }) {
            for (handling, count) in counts { letters.set(Double(count), reason.rawValue, handling.rawValue) }
        }
        let standing = flow.standing(now: now)
        unknown.set(Double(standing.unknown))
        oldest.set(Double(standing.oldest?.milliseconds ?? 0) / 1_000)
        parked.set(Double(standing.parked))
        var text = ""
        for metric in [letters, unknown, oldest, parked] { metric.render(into: &text) }
        return text
    }
}
