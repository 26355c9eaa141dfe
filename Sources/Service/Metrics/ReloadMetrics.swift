import DeclineRecovery

/// What became of the reloads of the configuration, by the names that all who read one use.
struct ReloadMetrics: Sendable {
    private let reloads = Metric("salvage_configuration_reloads_total", "Reloads of the configuration.", labels: ["outcome"])
    private let wasGood = Metric(
        "salvage_configuration_last_reload_successful", "1 unless the last reload was refused.", kind: .gauge)
    private let readAt = Metric(
        "salvage_configuration_last_reload_success_timestamp_seconds", "When the configuration that is in force was read.", kind: .gauge)

    /// Of a configuration that was read just now, as the process began.
    init() {
        for outcome in ["applied", "refused"] { reloads.declare(outcome) }
        stands()
    }

    func note(isApplied: Bool) {
        reloads.add(1, isApplied ? "applied" : "refused")
        if isApplied { stands() } else { wasGood.set(0) }
    }

    private func stands() {
        wasGood.set(1)
        readAt.set(SystemClock().now().inSeconds)
    }

    var all: [Metric] { [reloads, wasGood, readAt] }
}
