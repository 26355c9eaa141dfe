import DeclineRecovery
package import JSON

/// A run of many letters as JSON, whoever is at it: for the command line's `--json` and for the console alike.
package struct RunView {
    let id: UUID5
    let action: LetterAction.Kind
    let by: String
    /// By what means another process does it.
    var via: LetterRecord.Operator.Means?
    let note: String?
    let startedAt: Moment
    let endedAt: Moment?
    let state: String
    let total: Int
    var done = 0
    var succeeded = 0
    var failed = 0
    var leftOut = 0
    let message: String
    let isCanary: Bool
    /// This process does it.
    var isMine = true
    var isResumable = false
    var results: [LetterJob.Progress.Result] = []
    /// What is said besides.
    var more: [(String, JSONValue?)] = []

    package var json: JSONValue {
        .object(
            of: [
                ("id", .string(id.description)), ("action", .string(action.rawValue)), ("by", .string(by)), ("via", .text(via?.rawValue)),
                ("note", .text(note)),
                ("startedAt", .integer(startedAt.milliseconds)), ("endedAt", endedAt.map { .integer($0.milliseconds) }),
                ("state", .string(state)),
                ("total", .integer(Int64(total))), ("done", .integer(Int64(done))), ("succeeded", .integer(Int64(succeeded))),
                ("failed", .integer(Int64(failed))),
                ("pending", .integer(Int64(action == .replay ? max(done - succeeded - failed, 0) : 0))),
                ("leftOut", .integer(Int64(leftOut))), ("message", .string(message)), ("canary", .bool(isCanary)), ("mine", .bool(isMine)),
                ("resumable", .bool(isResumable)), ("results", .array(results.map(Self.result))),
            ] + more)
    }

    private static func result(_ result: LetterJob.Progress.Result) -> JSONValue {
        .object(of: [
            ("letter", .string(result.letter.description)), ("orderId", .text(result.orderID)),
            ("outcome", .string(result.outcome.rawValue)), ("sentence", .string(result.sentence)),
        ])
    }

    /// Whether what a run has left may be sent, by whoever asks.
    package enum Resuming: Sendable {
        case allowed
        /// It corrects messages, and a second person is asked for that.
        case proposedAnew
        /// Only by an admin.
        case forbidden
        /// Nothing is left, or nothing of it was begun.
        case over
    }
}

extension RunView {
    /// - Parameter results: all of them, where somebody kept them; else the last ones.
    package init(_ job: LetterJob, results: [LetterJob.Progress.Result]? = nil, resuming: Resuming = .allowed) {
        let progress = job.progress
        let isCanary = if case .replay(_, true, _, _) = job.order { true } else { false }
        self.init(
            id: job.id, action: job.order.kind, by: job.by.name, note: job.note, startedAt: job.startedAt, endedAt: progress.endedAt,
            state: progress.state.rawValue, total: progress.total, done: progress.done, succeeded: progress.succeeded,
            failed: progress.failed, leftOut: progress.leftOut, message: progress.message, isCanary: isCanary,
            isResumable: resuming == .allowed && job.order.kind == .replay && (progress.state == .stopped || progress.state == .failed),
            results: results ?? progress.results)
    }

    /// A run of another process, as the stream tells it.
    ///
    /// - Parameter isUnderWay: whether somebody acts at the moment; a run without end is else one whose process died.
    package init(_ run: ReplayRun, isUnderWay: Bool, resuming: Resuming = .allowed) {
        let state = run.end.map { $0.how == .finished ? "finished" : "stopped" } ?? (isUnderWay ? "running" : "interrupted")
        let left = resuming == .proposedAnew ? "what it has left must be proposed anew" : "it can be resumed"
        let message = run.end?.why ?? (isUnderWay ? "another process is at it" : "its process ended before it was done; \(left)")
        self.init(
            id: run.id, action: .replay, by: run.by.name, via: run.by.means, note: run.note, startedAt: run.startedAt,
            endedAt: run.end?.at, state: state, total: run.letters.count, done: run.replayed.union(run.failed).count,
            succeeded: run.processed.count, failed: run.failed.count, message: message, isCanary: run.plan.isCanary, isMine: false,
            isResumable: resuming == .allowed && (state == "interrupted" || state == "stopped"))
    }

    /// What another process did, as the stream tells it.
    package init(_ act: LetterAct) {
        let done = act.succeeded + act.failed
        self.init(
            id: act.id, action: act.action, by: act.by.name, via: act.by.means, note: act.note, startedAt: act.startedAt,
            endedAt: act.endedAt, state: "finished", total: done, done: done, succeeded: act.succeeded, failed: act.failed,
            message: act.action == .reconcile
                ? "\(act.succeeded) settled" + (act.failed > 0 ? ", \(act.failed) still unknown" : "")
                : "\(act.action.rawValue): \(done.counted("letter"))",
            isCanary: false, isMine: false)
    }
}
