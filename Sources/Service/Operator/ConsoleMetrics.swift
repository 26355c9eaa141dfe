import DeclineRecovery
import Operations

/// What the console counts for alerts: how things stand, where the workers count what happens.
struct ConsoleMetrics: Sendable {
    private let letters = Metric(
        "salvage_dead_letters", "Dead letters that only an operator can see to.", labels: ["reason", "handling"], kind: .gauge)
    private let withCRM = Metric(
        "salvage_dead_letters_with_crm", "Dead letters of events that the CRM was told to mend and to send again.", labels: ["reason"],
        kind: .gauge)
    private let withCRMOldest = Metric(
        "salvage_dead_letters_with_crm_oldest_seconds", "For how long the oldest of them waits.", labels: ["reason"], kind: .gauge)
    private let unreadable = Metric(
        "salvage_dead_letters_unreadable", "Messages among the dead letters that this version cannot read.", kind: .gauge)
    private let unknown = Metric(
        "salvage_unknown_outcomes", "Charges that may or may not have happened: recoveries being settled, and letters to reconcile.",
        kind: .gauge)
    private let oldest = Metric("salvage_unknown_outcome_oldest_seconds", "Age of the oldest of them.", kind: .gauge)
    private let parked = Metric("salvage_parked_recoveries", "Recoveries that wait for their next step.", kind: .gauge)
    private let overdue = Metric(
        "salvage_overdue_recoveries", "Of these, due for more than a minute and not taken up.", kind: .gauge)

    private let notices = Metric("salvage_notices_total", "Notices by what came of a try to send one.", labels: ["outcome"])
    private let noticesWaiting = Metric("salvage_notices_waiting", "Notices that have not arrived yet.", kind: .gauge)
    private let process = ProcessMetrics()
    private let reloads: ReloadMetrics?

    /// - Parameter reloads: `nil` where there is no configuration.
    init(reloads: ReloadMetrics? = nil) { self.reloads = reloads }

    /// The page that Prometheus reads. What is not read yet is left out: a 0 would be believed, and the rise behind it as well.
    ///
    /// - Parameter sender: `nil` where no notices are sent.
    func page(_ store: LetterStore, _ flow: FlowStore, _ sender: NoticeSender?, isReady: Bool, now: Moment) -> String {
        for metric in [letters, withCRM, withCRMOldest, unreadable, unknown, oldest, parked, overdue] { metric.reset() }
        let ready = flow.isReady
        let standing = Standing(store, flow)
        if ready.letters {
            for (reason, count) in standing.withCRM { withCRM.set(Double(count), reason.rawValue) }
            for (reason, since) in standing.withCRMSince {
                withCRMOldest.set(max((now - since).inSeconds, 0), reason.rawValue)
            }
            unreadable.set(Double(standing.unreadable))
            for (reason, counts) in standing.toDo {
                for (handling, count) in counts { letters.set(Double(count), reason.rawValue, handling.rawValue) }
            }
        }
        if ready.journal {
            parked.set(Double(standing.parked))
            overdue.set(Double(flow.overdue(now: now).count))
        }
        // Of both, for a recovery that is being settled may be a letter by now.
        if ready.letters, ready.journal {
            unknown.set(Double(standing.unknown))
            oldest.set(standing.oldestUnknown.map { (now - $0).inSeconds } ?? 0)
        }
        if let (sent, failed, waiting) = sender?.counts {
            notices.set(Double(sent), "sent")
            notices.set(Double(failed), "failed")
            noticesWaiting.set(Double(waiting))
        }
        var text = ""
        let all = [letters, withCRM, withCRMOldest, unreadable, unknown, oldest, parked, overdue, notices, noticesWaiting]
        for metric in all + (reloads?.all ?? []) + process.current(isReady: isReady) { metric.render(into: &text) }
        return text
    }
}
