package import DeclineRecovery

extension StageOutcome {
    /// What is published in place of the message: what the stage wants, and the line that the journal keeps of it.
    package func publishing(from stage: Stage, at now: Moment, worker: String, traceparent: String?) -> [StageMessage] {
        publishing + (journal(from: stage, at: now, worker: worker, traceparent: traceparent).map { [$0] } ?? [])
    }

    /// The journal's line; `nil` of what names no recovery.
    package func journal(from stage: Stage, at now: Moment, worker: String, traceparent: String?) -> StageMessage? {
        guard let reference = entry.reference else { return nil }
        let (detail, reason, until): (String, String?, Moment?) =
            switch entry.fate {
            case .passed(let next): (next.rawValue, nil, nil)
            case .told(let kind, let reason): (kind.rawValue, reason, nil)
            case .parked(let delay, let why): (why, entry.unsent?.word, now + delay)
            case .deadLettered(let reason): (reason.rawValue, nil, nil)
            case .rejected(let reason): (reason, nil, nil)
            case .ignored(let why): (why, nil, nil)
            }
        let record = JournalRecord(
            at: now, stage: stage, merchantID: entry.merchantID, reference: reference, gatewayID: entry.gatewayID,
            fate: entry.fate.fate,
            detail: detail,
            reason: reason, rule: entry.rule, declineClass: entry.declineClass, until: until ?? entry.until,
            attempts: entry.attempts, amount: entry.amount,
            declineCode: entry.declineCode, decline: entry.decline, notes: entry.notes, trigger: TriggerWord(reference.kind),
            route: reference.kind.isRetry ? "retry" : "cascade", declinedAt: entry.declinedAt, flexFactorOrderID: entry.flexFactorOrderID,
            becomes: entry.becomes, resultID: entry.resultID, action: entry.action, otherRecovery: entry.other, workerID: worker)
        let id = record.id
        return StageMessage(
            to: .journal, messageID: id, type: JournalRecord.type, traceparent: traceparent, body: record.encoded(as: id))
    }
}

extension StageOutcome.JournalEntry {
    /// With what was told.
    consuming func telling(_ result: ResultEvent) -> Self {
        amount = amount ?? result.amount
        flexFactorOrderID = result.flexFactorOrderID
        other = result.other
        action = result.action.name
        if result.corrects != nil { becomes = result.reason.kind }
        if result.kind.isMoneyBack { resultID = result.id }
        return self
    }

    /// With what was told before, and is told again.
    consuming func telling(_ record: ClaimRecord, as messages: [StageMessage]) -> Self {
        // Of what went back, as it was told: what it counts in the claims may be another.
        amount = amount ?? (record.claim.act.telling?.isMoneyBack == true ? record.toldAmount : record.claim.amount)
        (action, other) = record.whatItSaid
        // The same decline came in two forms, and is told under one name.
        if let reference, record.claim.reference != reference { other = record.claim.reference }
        if record.corrects != nil { becomes = record.claim.act.telling }
        if record.claim.act.telling?.isMoneyBack == true { resultID = messages.first?.messageID }
        return self
    }
}
