import DeclineRecovery
import JSON
import Pipeline
import Synchronization

/// A correction that waits for a second person.
///
/// It is kept in this process alone. What is forgotten by a restart was never begun, and whoever proposed it sees that it is gone.
struct Proposal: Sendable {
    let id: UUID5
    let action: LetterAction
    /// Those that the filter meant when it was proposed: what is approved is what was seen.
    let letters: [UUID5]
    /// Where each stood then. A decline that is published again under its id is another writing of the same letter, which nobody saw.
    let seen: [UUID5: Int64]
    /// What it changes, where it is about one letter.
    let differences: [JSONDifference]?
    /// What a dry run of many came to.
    let dryRun: JSONValue?
    let by: LetterRecord.Operator
    let note: String?
    let at: Moment
    fileprivate(set) var until: Moment
    fileprivate(set) var end: End?
    /// By whom it was approved that could not begin, and why it could not. Two people have said it: it begins when anybody wants it to.
    fileprivate(set) var held: (approvedBy: String, why: String)?

    /// For how long it waits.
    private let span: Moment.Span

    init(
        _ action: LetterAction, _ letters: [UUID5], seen: [UUID5: Int64], differences: [JSONDifference]?, dryRun: JSONValue?,
        by: LetterRecord.Operator, note: String?, at now: Moment, within span: Moment.Span
    ) {
        id = .random()
        self.action = action
        self.letters = letters
        self.seen = seen
        self.differences = differences
        self.dryRun = dryRun
        self.by = by
        self.note = note
        at = now
        until = now + span
        self.span = span
    }

    /// It could not begin, and waits for as long as at first.
    fileprivate mutating func hold(_ why: String, approvedBy who: String, at now: Moment) {
        held = (who, why)
        until = now + span
        end = nil
    }

    enum End: Sendable, Equatable {
        case approved(by: String, at: Moment)
        case withdrawn(by: String, at: Moment)
    }

    func state(at now: Moment) -> String {
        switch end {
        case .approved: "approved"
        case .withdrawn: "withdrawn"
        case nil: now < until ? "proposed" : "lapsed"
        }
    }

    func isWaiting(at now: Moment) -> Bool { end == nil && now < until }

    /// As a run that has not begun.
    func json(at now: Moment) -> JSONValue {
        let message =
            switch end {
            case .approved(let who, _): "approved by \(who)"
            case .withdrawn(let who, _): "withdrawn by \(who); nothing was done"
            case nil where held != nil && now < until:
                "approved by \(held?.approvedBy ?? ""), and it could not begin: \(held?.why ?? ""). An admin may begin it until \(until.rfc3339)."
            case nil where now < until:
                "waits for a second person until \(until.rfc3339). This console alone knows of it: if it restarts, propose it again."
            case nil: held == nil ? "nobody approved it in time; nothing was done" : "nobody began it in time; nothing was done"
            }
        let endedAt: Moment? =
            switch end {
            case .approved(_, let at), .withdrawn(_, let at): at
            case nil: now < until ? nil : until
            }
        let run: [(String, JSONValue?)] = [
            ("id", .string(id.description)), ("action", .string(action.word)), ("by", .string(by.name)), ("note", .text(note)),
            ("startedAt", .integer(at.milliseconds)), ("endedAt", endedAt.map { .integer($0.milliseconds) }),
            ("state", .string(state(at: now))), ("total", .integer(Int64(letters.count))), ("done", .integer(0)),
            ("succeeded", .integer(0)),
            ("failed", .integer(0)), ("pending", .integer(0)), ("leftOut", .integer(0)), ("message", .string(message)),
            ("mine", .bool(true)), ("resumable", .bool(false)), ("results", .array([])),
            ("letter", letters.count == 1 ? .string(letters[0].description) : nil),
            ("letters", .array(letters.prefix(100).map { .string($0.description) })),
            ("differences", differences.map(LetterView.differences)), ("dryRun", dryRun), ("approvedBy", .text(held?.approvedBy)),
        ]
        return .object(of: run + order)
    }

    /// What was ordered: all of it is approved.
    private var order: [(String, JSONValue?)] {
        guard case .replay(let correction, let isCanary, let rate, let consent) = action else { return [("canary", .bool(false))] }
        let patch: JSONValue? = if case .patch(let patch)? = correction { patch.json } else { nil }
        return [
            ("canary", .bool(isCanary)), ("patch", patch), ("rerun", .bool(correction == .rerun)), ("rate", .integer(Int64(rate))),
            ("crmConsent", .bool(consent.ofCRM)), ("acceptSkips", .bool(consent.toSkips)),
        ]
    }
}

/// The proposals of this console, the last hundred.
final class ProposalBook: Sendable {
    private let proposals = Mutex<[Proposal]>([])

    var all: [Proposal] { proposals.withLock { $0 } }

    subscript(_ id: UUID5) -> Proposal? { proposals.withLock { proposals in proposals.first { $0.id == id } } }

    /// - Returns: `false` where a hundred wait already: none of them is forgotten for another.
    func add(_ proposal: Proposal, at now: Moment) -> Bool {
        proposals.withLock { proposals in
            if proposals.count >= 100 {
                guard let ended = proposals.firstIndex(where: { !$0.isWaiting(at: now) }) else { return false }
                proposals.remove(at: ended)
            }
            proposals.append(proposal)
            return true
        }
    }

    /// Ends one that still waits.
    ///
    /// - Returns: the proposal to the one who ended it; `nil` to whoever came later.
    func end(_ id: UUID5, _ end: Proposal.End, at now: Moment) -> Proposal? {
        proposals.withLock { proposals in
            guard let index = proposals.firstIndex(where: { $0.id == id }), proposals[index].isWaiting(at: now) else { return nil }
            proposals[index].end = end
            return proposals[index]
        }
    }

    /// Has one wait again that was approved and could not begin.
    ///
    /// - Returns: `false` where it is not known any more.
    func hold(_ id: UUID5, _ why: String, approvedBy who: String, at now: Moment) -> Bool {
        proposals.withLock { proposals in
            guard let index = proposals.firstIndex(where: { $0.id == id }) else { return false }
            proposals[index].hold(why, approvedBy: who, at: now)
            return true
        }
    }
}

extension LetterAction {
    /// Whether it sends something else than what the CRM sent.
    var isCorrection: Bool { if case .replay(.some, _, _, _) = self { true } else { false } }
}

extension ConsoleAPI {
    func propose(
        _ action: LetterAction, _ selection: LetterSelection, _ person: ConsoleRequest.Person, _ note: String?, within span: Moment.Span
    ) async throws(ConsoleError) -> JSONValue {
        let now = tools.clock.now()
        let letters: [UUID5]
        switch selection {
        case .letters(let ids): letters = ids
        case .filter(let filter):
            do throws(BrokerFailure) { letters = try await store.select(filter).map(\.id) } catch { throw .broker(error) }
        case .unfinished: letters = []
        }
        let seen = store.look { book in letters.reduce(into: [:]) { $0[$1] = book[$1]?.offset } }
        var differences: [JSONDifference]?
        var dryRun: JSONValue?
        if letters.count == 1 {
            differences = try await changes(of: letters[0], by: action)
        } else if case .replay(let correction, _, _, let consent) = action {
            let asked = DryRun(tools: tools, correction: correction, consent: consent)
            do throws(BrokerFailure) { dryRun = try await trial(of: letters, asked) } catch { throw .broker(error) }
        }
        let proposal = Proposal(
            action, letters, seen: seen, differences: differences, dryRun: dryRun, by: person.by, note: note, at: now, within: span)
        guard jobs.proposals.add(proposal, at: now) else {
            throw ConsoleError(
                status: 409, what: "A hundred corrections wait for a second person already.",
                advice: "Have some of them approved or withdrawn first.")
        }
        return proposal.json(at: now)
    }

    /// What a correction of one letter changes. What may not be made, or would not be sent, is refused before anything of it is kept.
    private func changes(of id: UUID5, by action: LetterAction) async throws(ConsoleError) -> [JSONDifference]? {
        guard case .replay(let correction?, _, _, let consent) = action else { return nil }
        let (summary, letter) = try await whole(id.description)
        if case .patch(let patch) = correction, case .failure(let refusal) = LetterEdit.apply(patch, to: letter) {
            throw .refused(refusal, patch, letter.original.json ?? .null)
        }
        let outcome = DryRun(tools: tools, correction: correction, consent: consent).run(summary, letter)
        if let why = LetterEdit.whyNot(letter) ?? outcome.refusal {
            throw ConsoleError(
                status: 422, what: "It would not be sent: \(why)", advice: "Nothing is proposed. Mend what is said, and propose it then.",
                faults: outcome.forecast.faults)
        }
        return outcome.differences
    }

    func approve(_ text: String, _ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        try request.body.allow([])
        try require(.admin, request.person)
        let (id, now) = (try id(text), tools.clock.now())
        guard let proposal = jobs.proposals[id] else { throw .notFound }
        if proposal.held == nil, proposal.by.name == request.person.name {
            throw ConsoleError(
                status: 403, what: "You proposed it yourself.", advice: "Somebody else with the role admin must approve it.")
        }
        try requireBroker()
        // The job leaves out each that was written anew; where none is left there is nothing to approve.
        let isAnew = store.look { book in proposal.letters.allSatisfy { book[$0].map { $0.offset != proposal.seen[$0.id] } ?? false } }
        if proposal.isWaiting(at: now), isAnew, !proposal.letters.isEmpty {
            throw ConsoleError(
                status: 409, what: "The message was published anew since it was proposed: what was seen is not what would be sent.",
                advice: "Withdraw it, look at the letter and propose it anew.")
        }
        guard let taken = jobs.proposals.end(id, .approved(by: request.person.name, at: now), at: now) else {
            throw ConsoleError(
                status: 409, what: "It waits no more: it is \(proposal.state(at: now)).", advice: "Propose it again if it is still wanted.")
        }
        let approver = taken.held?.approvedBy ?? request.person.name
        let note = [taken.note, "(approved by \(approver))"].compactMap { $0 }.joined(separator: " ")
        let job = LetterJob(taken.action, .letters(taken.letters), asSeen: taken.seen, by: taken.by, note: note, tools: tools, id: id)
        jobs.add(job)
        Task {
            await job.run(waitingForLock: 120)
            // Two people have said it: it is not given up because a third one's run is not done yet.
            jobs.hold(job, approvedBy: approver, at: tools.clock.now())
        }
        return json(job, request.person)
    }

    /// - Returns: `nil` where it is no proposal.
    func withdraw(_ id: UUID5, _ person: ConsoleRequest.Person) throws(ConsoleError) -> JSONValue? {
        guard let proposal = jobs.proposals[id], jobs[id] == nil else { return nil }
        if proposal.by.name != person.name { try require(.admin, person) }
        let now = tools.clock.now()
        guard let ended = jobs.proposals.end(id, .withdrawn(by: person.name, at: now), at: now) else {
            throw ConsoleError(status: 409, what: "It waits no more: it is \(proposal.state(at: now)).", advice: "Look at the runs.")
        }
        return ended.json(at: now)
    }
}
