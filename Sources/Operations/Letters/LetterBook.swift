package import DeclineRecovery

/// Every letter and what became of it, folded from the stream of letters and records. Folding the same stream gives the same book.
///
/// It keeps a summary of each letter and where the letter stands; bodies stay in the stream.
package struct LetterBook: Sendable {
    package private(set) var cases: [UUID5: LetterSummary] = [:]
    package private(set) var runs: [UUID5: ReplayRun] = [:]
    /// Every writing in its order. One that was overtaken by a later one of the same letter stays and is passed over.
    private var writings: [(id: UUID5, offset: Int64)] = []
    private var runOrder: [UUID5] = []
    /// What people did beside replays, the newest last.
    private var acts: [LetterAct] = []
    /// Which letter a trace is the replay of, for replays whose end is not known.
    private var traces: [UUID5: (letter: UUID5, run: UUID5)] = [:]
    /// Letters share few explanations.
    private var explanations: Set<String> = []

    package init() {}

    package subscript(_ id: UUID5) -> LetterSummary? { cases[id] }

    /// The letters that were written last come first: a letter that died again is news.
    var newestFirst: some Sequence<LetterSummary> {
        writings.reversed().lazy.compactMap { writing in cases[writing.id].flatMap { $0.offset == writing.offset ? $0 : nil } }
    }

    /// The newest first.
    package var runsNewestFirst: [ReplayRun] { runOrder.reversed().compactMap { runs[$0] } }

    /// Runs that have something left to send or to wait for, the newest first.
    package var unfinishedRuns: [ReplayRun] {
        runsNewestFirst.filter { run in
            guard run.end?.how != .finished else { return false }
            return run.letters.contains { id in
                guard let letter = cases[id], !run.failed.contains(id) else { return false }
                return letter.state == .replayed ? letter.run == run.id : letter.isToDo && !run.replayed.contains(id)
            }
        }
    }

    package func counts() -> [LetterState: Int] {
        var counts: [LetterState: Int] = [:]
        for letter in cases.values { counts[letter.state, default: 0] += 1 }
        return counts
    }

    /// How many letters only an operator can see to, by what they died of and what may be done with them.
    package func toDo() -> [DeadLetterReason: [LetterHandling: Int]] {
        var counts: [DeadLetterReason: [LetterHandling: Int]] = [:]
        for letter in cases.values where letter.isToDo && !letter.waitsForCRM {
            counts[letter.reason, default: [:]][letter.handling, default: 0] += 1
        }
        return counts
    }

    /// How many letters wait for the CRM to mend the event and send it again.
    package func withCRM() -> [DeadLetterReason: Int] {
        var counts: [DeadLetterReason: Int] = [:]
        for letter in cases.values where letter.waitsForCRM { counts[letter.reason, default: 0] += 1 }
        return counts
    }

    /// Since when the oldest of them waits.
    package func withCRMSince() -> [DeadLetterReason: Moment] {
        var oldest: [DeadLetterReason: Moment] = [:]
        for letter in cases.values where letter.waitsForCRM {
            oldest[letter.reason] = min(oldest[letter.reason] ?? letter.lastAt, letter.lastAt)
        }
        return oldest
    }

    /// Letters whose charge may have happened: how many are to be reconciled, and since when the oldest is.
    package func inDoubt() -> (count: Int, oldest: Moment?) {
        var doubt: (count: Int, oldest: Moment?) = (0, nil)
        for letter in cases.values where letter.isToDo && letter.handling == .reconcile {
            doubt.count += 1
            doubt.oldest = min(doubt.oldest ?? letter.firstAt, letter.firstAt)
        }
        return doubt
    }

    // MARK: Letters

    /// A letter was written, or written again.
    ///
    /// - Parameter trace: of the message that died; a replay that died has the trace of its run.
    package mutating func take(_ letter: DeadLetter, trace: UUID5?, at offset: Int64) {
        let replay = trace.flatMap { traces[$0] }
        if let replay {
            fail(replay.letter, in: replay.run, as: letter.id)
            if let trace { traces[trace] = nil }
        }
        writings.append((letter.id, offset))
        guard var known = cases[letter.id] else {
            cases[letter.id] = LetterSummary(letter, explanation: intern(Self.summary(of: letter)), trace: trace, at: offset)
            return
        }
        // The same delivery once more: its worker ended between writing and finishing, or wrote it twice. Or the same payment, or the same
        // recovery that was given up: whoever tells it again writes that letter again. Only a replay, of this letter or of another of its
        // recovery, has one given up anew.
        let isRepeat =
            letter.reason == .toldOtherwise || letter.reason == .attemptsSpent && replay == nil && known.state != .replayed
            || trace != nil && trace == known.trace && (letter.original.redelivered || letter.writtenAt == known.lastAt)
        known.occurrences += 1
        known.lastAt = max(known.lastAt, letter.writtenAt)
        known.offset = offset
        known.handling = letter.handling
        known.lack = known.handling == .editFirst ? letter.lack : nil
        known.isForCRM = letter.isForCRM
        known.explanation = intern(Self.summary(of: letter))
        if replay?.letter != letter.id, !isRepeat {
            // Its publisher sent the message again, in whatever trace, and it died again.
            switch known.state {
            case .open, .failedAgain: break
            case .replayed: known.state = .failedAgain
            case .resolved, .discarded: known.state = .open
            }
            // What its last replay became is another message's matter now: this one is to do here.
            known.successor = nil
        }
        known.trace = trace
        cases[letter.id] = known
    }

    private mutating func fail(_ id: UUID5, in run: UUID5, as successor: UUID5) {
        cases[id]?.state = .failedAgain
        cases[id]?.failedRun = run
        cases[id]?.successor = successor == id ? nil : successor
        runs[run]?.failed.insert(id)
        runs[run]?.processed.remove(id)
    }

    /// What a list shows: the explanation, with the first fault where there is one.
    private static func summary(of letter: DeadLetter) -> String {
        guard let fault = letter.faults.first else { return letter.explanation }
        let more = letter.faults.count > 1 ? " (and \(letter.faults.count - 1) more)" : ""
        return letter.explanation.hasPrefix("The message has") ? "\(fault.path): \(fault.message)\(more)" : letter.explanation
    }

    private mutating func intern(_ text: String) -> String {
        if let index = explanations.firstIndex(of: text) { return explanations[index] }
        if explanations.count < 10_000 { explanations.insert(text) }
        return text
    }

    // MARK: Records

    /// What people did to letters beside replaying them, the newest first.
    package var actsNewestFirst: [LetterAct] { acts.reversed() }

    private static let mostActs = 500

    private mutating func note(_ record: LetterRecord) {
        guard record.by.means != .worker, let action = LetterAct.action(of: record) else { return }
        if case .resolved(_, .processed(_, let run)) = record.act, runs[run] != nil { return }
        if let job = record.job, let index = acts.lastIndex(where: { $0.id == job }) { return acts[index].take(record) }
        acts.append(LetterAct(record, action))
        if acts.count > 2 * Self.mostActs { acts.removeFirst(Self.mostActs) }
    }

    package mutating func take(_ record: LetterRecord, at offset: Int64) {
        note(record)
        for id in record.act.letters where cases[id] != nil { cases[id]?.records.append(offset) }
        switch record.act {
        case .selected(let letters, let run, let plan):
            if runs[run] == nil {
                runs[run] = ReplayRun(id: run, by: record.by, note: record.note, startedAt: record.at, plan: plan)
                runOrder.append(run)
            }
            runs[run]?.letters += letters
            for id in letters { traces[ReplayTrace.id(run: run, letter: id)] = (id, run) }
        case .replayed(let letters, let run):
            for id in letters {
                runs[run]?.replayed.insert(id)
                cases[id]?.run = run
                // It may have died again before this record came.
                if cases[id]?.failedRun != run { cases[id]?.state = .replayed }
            }
        case .resolved(let letters, let resolution):
            for id in letters {
                if case .processed(_, let run) = resolution {
                    traces[ReplayTrace.id(run: run, letter: id)] = nil
                    // It died after all.
                    if cases[id]?.failedRun == run { continue }
                    runs[run]?.processed.insert(id)
                }
                // Whoever sees to it already, or has, is not overruled.
                if case .mended = resolution, cases[id]?.isToDo != true { continue }
                cases[id]?.state = .resolved
                cases[id]?.resolution = resolution
            }
        case .discarded(let letters): for id in letters { cases[id]?.state = .discarded }
        case .restored(let letters):
            for id in letters {
                cases[id]?.state = .open
                cases[id]?.successor = nil
            }
        case .lookedUp: break
        case .runEnded(let run, let end, let why):
            runs[run]?.end = ReplayRun.End(how: end, why: why, at: record.at)
        }
    }
}
