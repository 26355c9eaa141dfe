import DeclineRecovery

extension FlowStore {
    /// For whom what stands in a queue waits.
    enum QueueKind: String {
        /// For workers.
        case work
        /// For its time, as it should.
        case parked
        /// For the CRM.
        case results
    }

    /// Every queue, and what waits in it.
    var queues: [(name: String, what: String, kind: QueueKind)] {
        [
            (names.intake, "declines and commands that came in"), (names.cascade, "cascades: a customer waits"),
            (names.retry, "retries whose step is due"),
            (names.outcomes, "news of FlexFactor's webhooks"), (names.suspects, "what was in work as workers ended: tried alone"),
            (names.unrouted, "results that nobody had bound a queue for"),
            (names.held, "refused where it was to go: tried again by itself"),
        ].map { ($0, $1, .work) } + [(names.crmResults, "results that the CRM has not taken", .results)]
            + DelayLadder.rungs.map {
                (names.delays[$0], "put away, step of \(DelayLadder.span(ofRung: $0).milliseconds / 1_000) s", .parked)
            }
    }
}
