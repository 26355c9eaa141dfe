import DeclineRecovery
import JSON
import Pipeline

extension ConsoleAPI {
    func runs(_ person: ConsoleRequest.Person) async throws(ConsoleError) -> JSONValue {
        let mine = jobs.all
        let isBusy = try await isLocked()
        let others = store.look { book in
            book.runsNewestFirst.prefix(100).filter { run in !mine.contains { $0.id == run.id } }.map {
                (at: $0.startedAt, json: RunView($0, isUnderWay: isBusy, resuming: Self.resuming($0, person)).json)
            }
                + book.actsNewestFirst.prefix(100).filter { act in !mine.contains { $0.id == act.id } }.map {
                    (at: $0.startedAt, json: RunView($0).json)
                }
        }
        let now = tools.clock.now()
        let proposals = jobs.proposals.all.filter { jobs[$0.id] == nil }.map { (at: $0.at, json: $0.json(at: now)) }
        let all = proposals + mine.map { (at: $0.startedAt, json: json($0, person)) } + others
        return .object(of: [("runs", .array(all.sorted { $0.at > $1.at }.map(\.json)))])
    }

    func run(_ text: String, _ person: ConsoleRequest.Person) async throws(ConsoleError) -> JSONValue {
        let id = try id(text)
        if let job = jobs[id] { return json(job, person) }
        if let proposal = jobs.proposals[id] { return proposal.json(at: tools.clock.now()) }
        let isBusy = try await isLocked()
        if let run = store.look({ $0.runs[id] }) {
            return RunView(run, isUnderWay: isBusy, resuming: Self.resuming(run, person)).json
        }
        guard let act = store.look({ book in book.actsNewestFirst.first { $0.id == id } }) else { throw .notFound }
        return RunView(act).json
    }

    func json(_ job: LetterJob, _ person: ConsoleRequest.Person) -> JSONValue {
        RunView(job, resuming: Self.resuming(store.look { $0.runs[job.id] }, person)).json
    }

    /// Whether what a run has left is sent when this person asks for it: what is offered is what is done.
    private static func resuming(_ run: ReplayRun?, _ person: ConsoleRequest.Person) -> RunView.Resuming {
        guard let run, run.end?.how != .finished else { return .over }
        if run.plan.correction == nil { return .allowed }
        return person.secondPerson != nil ? .proposedAnew : person.role.includes(.admin) ? .allowed : .forbidden
    }

    private func isLocked() async throws(ConsoleError) -> Bool {
        do throws(BrokerFailure) { return try await store.broker.lock.isTaken() } catch { throw .broker(error) }
    }

    func begin(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let body = request.body
        let order = try order(body, request.person)
        let note = try body.text("note").flatMap { $0.allSatisfy(\.isWhitespace) ? nil : String($0.prefix(2_000)) }
        if order.kind.needsNote, note == nil {
            throw .badRequest("A note is required.", "Say why in a sentence; whoever looks at the letter later will read it.")
        }
        let selection = try selection(body, for: order.kind)
        if case .replay(.patch?, _, _, _) = order {
            guard case .letters(let ids) = selection, ids.count == 1 else { throw .badRequest("A correction is for one letter.") }
        }
        try requireBroker()
        if order.isCorrection, let span = request.person.secondPerson {
            return try await propose(order, selection, request.person, note, within: span)
        }
        return start(LetterJob(order, selection, by: request.person.by, note: note, tools: tools), request.person)
    }

    /// - Parameter action: of a filter only what is in a state to take it is meant.
    func selection(_ body: JSONValue, for action: LetterAction.Kind? = nil) throws(ConsoleError) -> LetterSelection {
        guard case .filter(var meant) = try body.letters() else { return try body.letters() }
        if let action { meant.states?.formIntersection(action.states) }
        return .filter(meant)
    }

    /// The letters that somebody chose.
    func ids(of selection: LetterSelection) async throws(BrokerFailure) -> [UUID5] {
        switch selection {
        case .letters(let ids): ids
        case .filter(let filter): try await store.select(filter).map(\.id)
        case .unfinished: []
        }
    }

    /// As many as can be read while somebody waits before a dialog.
    private static let mostTried = 2_000

    /// A dry run of a replay: how many letters would be sent and what would become of them, and why the others would not. Changes nothing.
    func dryRun(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        guard case .replay(let correction, _, _, let consent) = try order(request.body, request.person) else {
            throw .badRequest("Only a replay is tried.")
        }
        let selection = try selection(request.body, for: .replay)
        try requireBroker()
        do throws(BrokerFailure) {
            return try await trial(of: ids(of: selection), DryRun(tools: tools, correction: correction, consent: consent))
        } catch {
            throw .broker(error)
        }
    }

    /// What a dry run of many letters comes to, as pages show it.
    func trial(of ids: [UUID5], _ dryRun: DryRun) async throws(BrokerFailure) -> JSONValue {
        let total = ids.count
        let outcomes = try await dryRun.run(.letters(Array(ids.prefix(Self.mostTried))))
        let summary = DryRunSummary(outcomes)
        // One that the stream holds no more has no outcome, and is left out as well.
        let tried = min(total, Self.mostTried)
        func number(_ count: Int) -> JSONValue { .integer(Int64(count)) }
        return .object(of: [
            (
                "consequence",
                .string(
                    LetterAction.Kind.replay.consequence(
                        of: summary.sent, onlyResults: outcomes.allSatisfy { $0.letter.stage == .unrouted }))
            ),
            ("total", number(total)), ("rehearsed", number(tried)), ("leftOut", number(tried - summary.sent)),
            ("goes", number(summary.goes)),
            ("skips", number(summary.skips)), ("wouldSkip", number(summary.wouldSkip)), ("unknown", number(summary.unknown)),
            (
                "why",
                .array(
                    summary.reasons.prefix(5).map { reason in
                        .object(of: [
                            ("sentence", .string(reason.sentence)), ("count", number(reason.count)), ("leftOut", .bool(reason.isLeftOut)),
                        ])
                    })
            ),
        ])
    }

    private func order(_ body: JSONValue, _ person: ConsoleRequest.Person) throws(ConsoleError) -> LetterAction {
        try body.allow(["action", "letters", "filter", "note", "canary", "rate", "crmConsent", "acceptSkips", "patch", "rerun"])
        let action = try action(body.text("action"))
        try require(action.role, person)
        // Of a dry run nobody reads it; it is refused there as it would be.
        try OperatorWords.check(note: try body.text("note"), by: person.name)
        let patch = try body.patch("patch").flatMap { $0.operations.isEmpty ? nil : $0 }
        let isRerun = try body.flag("rerun") ?? false
        if isRerun, patch != nil { throw .badRequest("Expected a patch or rerun, and not both.") }
        let correction = isRerun ? .rerun : patch.map { LetterCorrection.patch($0) }
        let givenRate = try body.whole("rate")
        let rate = givenRate ?? 50
        guard (1...1_000).contains(rate) else {
            throw .unexpected("rate", String(rate), expected: "1 to 1000 messages per second")
        }
        let isCanary = try body.flag("canary") ?? false
        let consent = ReplayConsent(ofCRM: try body.flag("crmConsent") ?? false, toSkips: try body.flag("acceptSkips") ?? false)
        if action != .replay {
            // Who has letters discarded one first means one first.
            let ofReplays = [
                ("patch", patch != nil), ("rerun", isRerun), ("rate", givenRate != nil), ("canary", isCanary),
                ("crmConsent", consent.ofCRM), ("acceptSkips", consent.toSkips),
            ]
            if let (name, _) = ofReplays.first(where: { $0.1 }) {
                throw .badRequest("\(name): only a replay has it, and this is to \(action.rawValue).", "Leave it out, or ask for a replay.")
            }
        }
        switch action {
        case .replay:
            if correction != nil { try require(.admin, person) }
            return .replay(correction: correction, isCanary: isCanary, rate: rate, consent: consent)
        case .reconcile:
            guard tools.reconciler != nil else {
                throw ConsoleError(
                    status: 409, what: "The console has no configuration.",
                    advice: "Start it with --config: FlexFactor is asked with the gateway's keys.")
            }
            return .reconcile
        case .restore: return .restore
        case .resolve: return .resolve
        case .discard: return .discard
        }
    }

    func stop(_ text: String, _ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        try request.body.allow([])
        let person = request.person
        try require(.operator, person)
        let id = try id(text)
        // One that could not begin is a proposal again, and one or the other is stopped.
        if let job = jobs.stop(id) { return json(job, person) }
        if let withdrawn = try withdraw(id, person) { return withdrawn }
        throw ConsoleError(status: 409, what: "The run is not of this console.", advice: "Stop it where it was begun.")
    }

    /// It goes on as it was begun: nothing can be said anew.
    func resume(_ text: String, _ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        try request.body.allow([])
        let person = request.person
        try require(.operator, person)
        let id = try id(text)
        if let job = jobs[id], !job.progress.state.isOver {
            throw ConsoleError(status: 409, what: "It runs already.", advice: "Wait for its end.")
        }
        let known = store.look { $0.runs[id] }
        if known == nil, jobs[id] == nil { throw .notFound }
        switch Self.resuming(known, person) {
        case .allowed: break
        case .forbidden: try require(.admin, person)
        case .proposedAnew:
            throw ConsoleError(
                status: 409, what: "The run corrects messages, and a second person is asked for that.",
                advice: "Propose it anew for the letters that it has left.")
        case .over: throw ConsoleError(status: 409, what: "The run is finished.", advice: "Choose the letters anew.")
        }
        guard let run = known else { throw .notFound }
        let order = LetterAction.replay(
            correction: run.plan.correction, isCanary: run.plan.isCanary, rate: run.plan.rate, consent: run.plan.consent)
        return start(LetterJob(order, .unfinished(run: id), by: person.by, note: run.note, tools: tools), person)
    }

    private func start(_ job: LetterJob, _ person: ConsoleRequest.Person) -> JSONValue {
        jobs.add(job)
        Task { await job.run() }
        return json(job, person)
    }
}
