import DeclineRecovery
import Pipeline

extension LetterJob {
    /// Discard, restore, mark as resolved: a record says so, and that is all.
    func mark(_ lock: any HeldLock) async throws(LetterJobError) {
        let meant = admitted(try await selected()) { order.kind.refusal(of: $0) }
        change { $0.total = meant.count }
        say(.running, "\(order.word): \(meant.count.counted("letter"))")
        for part in meant.parts(of: LetterRecord.mostLetters) {
            if isStopping { return say(.stopped, "stopped after \(part.startIndex) of \(meant.count)") }
            let ids = part.map(\.id)
            let act: LetterRecord.Act =
                switch order {
                case .discard: .discarded(ids)
                case .restore: .restored(ids)
                default: .resolved(ids, .byHand)
                }
            try await append([record(act, note: note)], lock)
            for id in ids { result(id, .succeeded, act.past) }
            change { progress in
                progress.done += ids.count
                progress.succeeded += ids.count
            }
        }
        let leftOut = progress.leftOut
        say(
            .finished,
            "\(meant.count.counted("letter")) \(LetterRecord.Act.past(order))" + (leftOut > 0 ? ", \(leftOut) left out" : ""))
    }

    /// Asks FlexFactor what became of charges, and settles them.
    func reconcile(_ lock: any HeldLock) async throws(LetterJobError) {
        guard let reconciler = tools.reconciler else { throw .noConfiguration }
        let meant = admitted(try await selected()) { order.kind.refusal(of: $0) }
        change { $0.total = meant.count }
        var unanswered = 0
        for (index, summary) in meant.enumerated() {
            if unanswered == Self.mostUnanswered {
                return say(
                    .stopped,
                    "stopped by itself: FlexFactor is away, \(unanswered) in a row got no answer, and \(meant.count - index) were not asked about. Ask again when it is back"
                )
            }
            if isStopping { return say(.stopped, "stopped after \(index) of \(meant.count)") }
            say(.running, "asking FlexFactor about \(summary.reference?.text ?? summary.id.description), \(index + 1) of \(meant.count)")
            unanswered = try await reconcile(summary.id, reconciler, lock) ? 0 : unanswered + 1
            change { $0.done += 1 }
        }
        let progress = progress
        let left = progress.leftOut > 0 ? ", \(progress.leftOut) left out" : ""
        say(
            .finished,
            "\(progress.succeeded) settled\(left)" + (progress.failed > 0 ? ", \(progress.failed) still unknown: ask again later" : ""))
    }

    /// Each costs half a minute and more, and nobody else can act meanwhile.
    private static let mostUnanswered = 3

    /// - Returns: whether FlexFactor answered, as far as it was asked.
    private func reconcile(_ id: UUID5, _ reconciler: Reconciler, _ lock: any HeldLock) async throws(LetterJobError) -> Bool {
        let letter: DeadLetter?
        do throws(BrokerFailure) { letter = try await tools.store.letter(id) } catch { throw .broker(error) }
        guard let letter else {
            leaveOut(id, "the stream holds it no more")
            return true
        }
        let trace = ReplayTrace.traceparent(run: self.id, letter: id)
        let reconciliation = await reconciler.reconcile(letter, traceparent: trace)
        switch reconciliation {
        case .told(let kind, let messages):
            try await settled(id, by: messages, .reconciled(kind), lock)
            result(id, .succeeded, "FlexFactor was asked: the CRM is told \(kind.rawValue)")
        case .handedBack(let stage, let messages):
            let what = "handed back to the \(stage.rawValue) stage, which asks FlexFactor before it repeats anything"
            try await settled(id, by: messages, .processed(what, run: self.id), lock)
            result(id, .succeeded, what)
        case .open(let found), .unanswered(let found), .unreadable(let found):
            try await publish([.record(record(.lookedUp([id], found: found), note: note))], lock)
            change { $0.failed += 1 }
            result(id, .failed, "not settled: \(found)")
        }
        if case .unanswered = reconciliation { return false }
        return true
    }

    /// First what settles the letter, confirmed, and then the record: a broker takes some messages of a batch and refuses others, and a
    /// letter that is resolved with nobody told is lost. What is told twice has the same ids.
    private func settled(
        _ id: UUID5, by messages: [StageMessage], _ resolution: LetterRecord.Resolution, _ lock: any HeldLock
    ) async throws(LetterJobError) {
        try await publish(messages.map { .stage($0) }, lock)
        try await publish([.record(record(.resolved([id], resolution), note: note))], lock)
        change { $0.succeeded += 1 }
    }
}

extension LetterRecord.Act {
    fileprivate var past: String { word.replacing("_", with: " ") }

    fileprivate static func past(_ order: LetterAction) -> String {
        switch order {
        case .discard: "discarded"
        case .restore: "restored"
        default: "marked as resolved"
        }
    }
}

extension [LetterSummary] {
    /// Those that nothing speaks against, and the others with what does.
    func split(_ refusal: (LetterSummary) -> String?) -> (meant: [LetterSummary], others: [(LetterSummary, String)]) {
        var meant: [LetterSummary] = []
        var others: [(LetterSummary, String)] = []
        for letter in self {
            if let why = refusal(letter) { others.append((letter, why)) } else { meant.append(letter) }
        }
        return (meant, others)
    }
}
