import Broker
import DeclineRecovery
import Pipeline

extension LetterJob {
    /// Discard, restore, mark as resolved: a record says so, and that is all.
    func mark(_ lock: BrokerLock) async throws(LetterJobError) {
        let letters = try await selected()
        let (meant, others) = letters.split { refusal(of: $0) }
        for (letter, why) in others { leaveOut(letter.id, why) }
        change { $0.total = meant.count }
        say(.running, "\(order.word): \(meant.count) letters")
        for start in stride(from: 0, to: meant.count, by: LetterRecord.mostLetters) {
            if isStopping { return say(.stopped, "stopped after \(start) of \(meant.count)") }
            let ids = meant[start..<min(start + LetterRecord.mostLetters, meant.count)].map(\.id)
            let act: LetterRecord.Act = switch order {
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
        say(.finished, "\(meant.count) letters \(LetterRecord.Act.past(order))")
    }

    private func refusal(of letter: LetterCase) -> String? {
        switch order {
        case .restore: letter.isToDo ? "it is open already" : nil
        case .discard where letter.state == .discarded: "it is discarded already"
        case .resolve where letter.state == .resolved: "it is resolved already"
        case .discard where letter.state == .resolved: "it is resolved; restore it first if it must be seen to again"
        default: nil
        }
    }

    /// Asks FlexFactor what became of charges, and settles them.
    func reconcile(_ lock: BrokerLock) async throws(LetterJobError) {
        guard let settler = tools.settler else { throw .noConfiguration }
        let letters = try await selected()
        let (meant, others) = letters.split { letter in
            letter.handling == .reconcile ? letter.isToDo ? nil : "it is \(letter.state.rawValue) already" : "nothing of it was charged: it is replayed or discarded, not reconciled"
        }
        for (letter, why) in others { leaveOut(letter.id, why) }
        change { $0.total = meant.count }
        for (index, summary) in meant.enumerated() {
            if isStopping { return say(.stopped, "stopped after \(index) of \(meant.count)") }
            say(.running, "asking FlexFactor about \(summary.reference?.text ?? summary.id.description), \(index + 1) of \(meant.count)")
            try await settle(summary.id, settler, lock)
            change { $0.done += 1 }
        }
        let progress = progress
        say(.finished, "\(progress.succeeded) settled" + (progress.failed > 0 ? ", \(progress.failed) still unknown: ask again later" : ""))
    }

    private func settle(_ id: UUID5, _ settler: Settler, _ lock: BrokerLock) async throws(LetterJobError) {
        let letter: DeadLetter?
        do throws(BrokerError) { letter = try await tools.shelf.letter(id) } catch { throw .broker(error) }
        guard let letter else { return leaveOut(id, "the stream holds it no more") }
        let trace = ReplayTrace.traceparent(run: self.id, letter: id)
        switch await settler.settle(letter, traceparent: trace) {
        case .told(let kind, let messages):
            try await settled(id, by: messages, .reconciled(kind), lock)
            result(id, .succeeded, "FlexFactor was asked: the CRM is told \(kind.rawValue)")
        case .handedBack(let stage, let messages):
            let what = "handed back to the \(stage.rawValue) stage, which asks FlexFactor before it repeats anything"
            try await settled(id, by: messages, .processed(what, run: self.id), lock)
            result(id, .succeeded, what)
        case .open(let found), .unreadable(let found):
            try await publish([record(.lookedUp([id], found: found), note: note).message(tools.shelf.names)], lock)
            change { $0.failed += 1 }
            result(id, .failed, "not settled: \(found)")
        }
    }

    /// First what settles the letter, confirmed, and then the record: a broker takes some messages of a batch and refuses others, and a
    /// letter that is resolved with nobody told is lost. What is told twice has the same ids.
    private func settled(
        _ id: UUID5, by messages: [Pipeline.OutgoingMessage], _ resolution: LetterRecord.Resolution, _ lock: BrokerLock
    ) async throws(LetterJobError) {
        try await publish(messages.map(tools.encode), lock)
        try await publish([record(.resolved([id], resolution), note: note).message(tools.shelf.names)], lock)
        change { $0.succeeded += 1 }
    }
}

extension LetterRecord.Act {
    fileprivate var past: String { word.replacing("_", with: " ") }

    fileprivate static func past(_ order: LetterOrder) -> String {
        switch order {
        case .discard: "discarded"
        case .restore: "restored"
        default: "marked as resolved"
        }
    }
}

extension [LetterCase] {
    /// Those that nothing speaks against, and the others with what does.
    func split(_ refusal: (LetterCase) -> String?) -> (meant: [LetterCase], others: [(LetterCase, String)]) {
        var meant: [LetterCase] = []
        var others: [(LetterCase, String)] = []
        for letter in self {
            if let why = refusal(letter) { others.append((letter, why)) } else { meant.append(letter) }
        }
        return (meant, others)
    }
}
