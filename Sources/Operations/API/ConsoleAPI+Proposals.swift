import DeclineRecovery
import JSON
import Pipeline

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
        do throws(BrokerFailure) { letters = try await ids(of: selection) } catch { throw .broker(error) }
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
        // Who approves stands in the note.
        try OperatorWords.check(note: nil, by: request.person.name)
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
