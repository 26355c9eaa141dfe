import DeclineRecovery
import JSON
import Pipeline

extension LetterJob {
    /// Sends messages again: the intention first, into the stream, then message by message, each noted when the broker has it. So
    /// nothing is lost when this process dies; what was sent and not noted may be sent twice, with the same ids, which charges once and
    /// tells the CRM once.
    func replay(_ lock: any HeldLock) async throws(LetterJobError) {
        let (plan, letters, known, read) = try await planned(lock)
        let run = id
        let watch = OutcomeWatch(run: run, letters: letters.map(\.id))
        do throws(BrokerFailure) {
            // Before the first message goes out. A run that is taken up again has messages out already.
            try await watch.begin(tools.store.broker.journal, since: selection.isNew ? nil : startOfRun(run))
        } catch {
            throw .broker(error)
        }
        let outcome: Result<Void, LetterJobError>
        do throws(LetterJobError) {
            try await send(letters, known: known, read, plan, watch, lock)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await watch.end()
        try outcome.get()
    }

    private func startOfRun(_ run: UUID5) -> Moment? { tools.store.look { $0.runs[run]?.startedAt } }

    /// Letters that were read already, with where they stood: of one that was written anew since, another writing is sent.
    private typealias Read = [UUID5: (offset: Int64, letter: DeadLetter)]

    /// The plan, its letters, those of them that an earlier process has sent already, and what was read of them to see whether they may be.
    private func planned(_ lock: any HeldLock) async throws(LetterJobError) -> (ReplayPlan, [LetterSummary], Set<UUID5>, Read) {
        if case .unfinished(let run) = selection {
            guard let found = tools.store.look({ $0.runs[run] }), found.end?.how != .finished else { throw .noSuchRun }
            let letters = try await selected()
            change { $0.total = letters.count }
            return (found.plan, letters, found.replayed.union(found.failed), [:])
        }
        guard case .replay(let correction, let isCanary, let rate, let consent) = order else { throw .noSuchRun }
        var meant = admitted(try await selected()) { whyNot($0, isCorrected: correction != nil) }
        var read: Read = [:]
        if meant.count <= 500 {
            // Of a few it is found out before they are noted; of many on the way, so that the first need not wait for the last.
            read = try await whole(meant)
            let dryRun = DryRun(tools: tools, correction: correction, consent: consent)
            meant = meant.filter { letter in read[letter.id].map { isSent(dryRun.run(letter, $0.letter)) } ?? true }
        }
        if case .patch? = correction, meant.count > 1 { throw .oneLetterOnly }
        change { $0.total = meant.count }
        let plan = ReplayPlan(correction: correction, isCanary: isCanary, rate: rate, consent: consent, total: meant.count)
        say(.running, "noting which \(meant.count) letters are meant")
        var records: [LetterRecord] = []
        for part in meant.parts(of: LetterRecord.mostLetters) {
            records.append(record(.selected(part.map(\.id), run: id, plan), note: note))
        }
        if records.isEmpty { return (plan, [], [], [:]) }
        try await append(records, lock)
        // With our own record the book holds everything that others did before us.
        let now = tools.store.look { book in meant.compactMap { book[$0.id] } }
        return (plan, admitted(now) { whyNot($0, isCorrected: correction != nil) }, [], read)
    }

    private func whyNot(_ letter: LetterSummary, isCorrected: Bool) -> String? {
        if let seen, seen[letter.id] != letter.offset { return "its message was published anew since it was proposed; propose it again" }
        return order.kind.refusal(of: letter, isCorrected: isCorrected)
    }

    /// Reads letters where they stand.
    private func whole(_ letters: some Collection<LetterSummary>) async throws(LetterJobError) -> Read {
        if letters.isEmpty { return [:] }
        let found: [DeadLetter]
        do throws(BrokerFailure) { found = try await tools.store.letters(at: letters.map(\.offset)) } catch { throw .broker(error) }
        let offsets = Dictionary(letters.map { ($0.id, $0.offset) }, uniquingKeysWith: { first, _ in first })
        return found.reduce(into: [:]) { read, letter in read[letter.id] = offsets[letter.id].map { ($0, letter) } }
    }

    /// Whether a letter is sent; one that is not is left out.
    private func isSent(_ outcome: DryRun.Outcome) -> Bool {
        guard let why = outcome.refusalInFull else { return true }
        leaveOut(outcome.letter.id, why, lifting: outcome.lifting)
        return false
    }

    private func send(
        _ letters: [LetterSummary], known: Set<UUID5>, _ read: Read, _ plan: ReplayPlan, _ watch: OutcomeWatch, _ lock: any HeldLock
    ) async throws(LetterJobError) {
        // What was sent and not noted by a process that died: the journal knows it.
        let unnoted = letters.filter { !known.contains($0.id) && watch[$0.id] != nil }
        if !unnoted.isEmpty { try await publish([.record(record(.replayed(unnoted.map(\.id), run: id)))], lock) }
        let out = known.union(unnoted.map(\.id))
        let before = letters.filter { out.contains($0.id) }
        change { $0.done = before.count }
        var rest = letters.filter { !out.contains($0.id) }[...]
        let failedBefore = tools.store.look { $0.runs[id]?.failed.count } ?? 0
        var sent: [LetterSummary] = []
        var told = tools.store.look { $0.runs[id]?.processed } ?? []
        let steps = plan.isCanary ? ReplayPlan.canarySteps + [Int.max] : [Int.max]
        for (number, step) in steps.enumerated() where !rest.isEmpty {
            let part = rest.prefix(step)
            rest = rest.dropFirst(part.count)
            let what = plan.isCanary ? "canary step \(number + 1): " : ""
            sent += try await send(Array(part), read, plan, lock, what)
            let isLast = rest.isEmpty
            if isStopping {
                return try await end(
                    .stopped, "stopped by \(by.name); \(letters.count - progress.done - progress.leftOut) were not sent", lock)
            }
            guard plan.isCanary, !isLast else { continue }
            let open = try await see(sent, &told, watch, lock)
            let failed = progress.failed - failedBefore
            if failed > 0 {
                return try await end(
                    .stopped, "stopped by itself: \(failed) of \(sent.count) failed again; \(rest.count) were not sent", lock)
            }
            if open > 0 {
                return try await end(
                    .stopped, "stopped by itself: what becomes of \(open) is not known yet; \(rest.count) were not sent", lock)
            }
        }
        _ = try await see(before + sent, &told, watch, lock)
        let progress = progress
        let kinds = progress.kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(
            separator: ", ")
        let pending = progress.pending > 0 ? ", \(progress.pending) still under way" : ""
        let left = progress.leftOut > 0 ? ", \(progress.leftOut) left out" : ""
        let processed = "\(progress.succeeded) processed" + (kinds.isEmpty ? "" : " (\(kinds))")
        try await end(.finished, "\(processed), \(progress.failed) failed again\(pending)\(left)", lock)
    }

    /// Sends letters at the plan's rate.
    ///
    /// - Returns: those whose messages are with the broker.
    private func send(
        _ letters: [LetterSummary], _ read: Read, _ plan: ReplayPlan, _ lock: any HeldLock, _ what: String
    ) async throws(LetterJobError) -> [LetterSummary] {
        var sent: [LetterSummary] = []
        for batch in letters.parts(of: min(max(plan.rate / 4, 1), 100)) {
            if isStopping { break }
            let begun = tools.clock.uptime
            say(.running, "\(what)sending \(batch.startIndex + 1) to \(batch.endIndex) of \(letters.count)")
            var messages: [(letter: LetterSummary, message: OperatorMessage)] = []
            var reopenings: [OperatorMessage] = []
            let fresh = try await whole(batch.filter { read[$0.id]?.offset != $0.offset })
            let dryRun = DryRun(tools: tools, correction: plan.correction, consent: plan.consent)
            for letter in batch {
                guard let whole = (read[letter.id]?.offset == letter.offset ? read[letter.id] : fresh[letter.id])?.letter else {
                    leaveOut(letter.id, "the stream holds it no more")
                    continue
                }
                let outcome = dryRun.run(letter, whole)
                if isSent(outcome) {
                    if let claim = ReplayMessage.reopening(
                        whole, by: by.name, why: note ?? "replayed with the CRM's consent", now: tools.clock.now())
                    {
                        reopenings.append(.claim(claim))
                    }
                    messages.append((letter, .replay(ReplayMessage(whole, body: outcome.body, run: id, tools.store.names))))
                }
            }
            // Before the messages: whoever takes one must find it opened.
            if !reopenings.isEmpty { try await publish(reopenings, lock) }
            sent += try await publish(messages, lock)
            let pause = Moment.Span.milliseconds(Int64(1_000 * batch.count / plan.rate - Int((tools.clock.uptime - begun).milliseconds)))
            if pause > .seconds(0), batch.endIndex != letters.count { await tools.clock.sleep(pause) }
        }
        return sent
    }

    /// Publishes messages and notes them. One that nobody takes does not hold up the others.
    private func publish(
        _ messages: [(letter: LetterSummary, message: OperatorMessage)], _ lock: any HeldLock
    ) async throws(LetterJobError) -> [LetterSummary] {
        if messages.isEmpty { return [] }
        var sent = messages.map(\.letter)
        do throws(LetterJobError) {
            try await publish(messages.map(\.message), lock)
        } catch {
            guard case .broker(let failure) = error, failure.isOfOneMessage else { throw error }
            sent = []
            for (letter, message) in messages {
                do throws(LetterJobError) {
                    try await publish([message], lock)
                    sent.append(letter)
                } catch {
                    guard case .broker(let failure) = error, failure.isOfOneMessage else { throw error }
                    leaveOut(letter.id, failure.description)
                }
            }
        }
        if sent.isEmpty { return [] }
        try await publish([.record(record(.replayed(sent.map(\.id), run: id)))], lock)
        change { $0.done += sent.count }
        return sent
    }

    // MARK: What becomes of them

    /// Waits until it is known what became of messages, or patience ends; notes what was processed.
    ///
    /// - Returns: of how many it is not known.
    private func see(
        _ sent: [LetterSummary], _ told: inout Set<UUID5>, _ watch: OutcomeWatch, _ lock: any HeldLock
    ) async throws(LetterJobError) -> Int {
        let deadline = tools.clock.uptime + patience
        var open = sent.map(\.id).filter { !told.contains($0) }
        // What goes to the CRM's exchange leaves no line in the journal: unless it comes back soon, a queue has taken it. Whose queue
        // that is the broker does not say.
        let untraced = Set(sent.lazy.filter { $0.stage == .unrouted }.map(\.id))
        let returnsBy = tools.clock.uptime + .seconds(3)
        if !open.isEmpty { say(.watching, "waiting to see what becomes of \(open.count)") }
        while true {
            let failed = tools.store.look { $0.runs[id]?.failed } ?? []
            var processed: [String: [UUID5]] = [:]
            open = open.filter { letter in
                if failed.contains(letter) { return false }
                if untraced.contains(letter), tools.clock.uptime > returnsBy {
                    processed["a queue took it", default: []].append(letter)
                    return false
                }
                if case .processed(let what)? = watch[letter] {
                    processed[what, default: []].append(letter)
                    return false
                }
                return true
            }
            for (what, letters) in processed.sorted(by: { $0.key < $1.key }) {
                for ids in letters.parts(of: LetterRecord.mostLetters) {
                    try await publish([.record(record(.resolved(Array(ids), .processed(what, run: id))))], lock)
                    for letter in ids { result(letter, .succeeded, what) }
                }
                change { $0.kinds[what, default: 0] += letters.count }
                told.formUnion(letters)
            }
            let known = told.count
            change { progress in
                progress.succeeded = known
                progress.failed = failed.count
            }
            if open.isEmpty || isStopping || tools.clock.uptime >= deadline { break }
            await tools.clock.sleep(.milliseconds(50))
        }
        for letter in open {
            let how = if case .underWay(let what)? = watch[letter] { what } else { "nothing was heard of it yet" }
            result(letter, .pending, how)
        }
        return open.count
    }

    private func end(_ end: LetterRecord.RunEnd, _ why: String, _ lock: any HeldLock) async throws(LetterJobError) {
        for letter in tools.store.look({ $0.runs[id]?.failed ?? [] }) {
            let (successor, cause) = tools.store.look { ($0[letter]?.successor, $0[letter]?.explanation ?? "") }
            result(letter, .failed, successor.map { "failed again, as letter \($0)" } ?? "failed again, of the same cause: \(cause)")
        }
        // A run that had no letter left nothing to end.
        if tools.store.look({ $0.runs[id] != nil }) { try await publish([.record(record(.runEnded(id, end, why: why)))], lock) }
        say(end == .finished ? .finished : .stopped, why)
    }
}
