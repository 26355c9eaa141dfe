@testable import DeclineRecovery

/// The fold of the claims as one would write it down, in dictionaries: what the packed book must agree with, verdict by verdict.
struct PlainClaimBook {
    struct Entry: Sendable {
        var debt: Fingerprint?
        /// Where what FlexFactor may have of it was claimed first, or else where it is first named.
        var first: Int64
        /// Where it was told; negative before.
        var told: Int64 = -1
        var kind = ResultKind.submitted
        /// What was told before, where that turned out to be wrong.
        var corrected: ResultKind?
        /// Requests that stand neither withdrawn nor answered.
        var open: [Request] = []
        var answeredPost: Int32 = 0
        var refusedPost: Int32 = 0
        var exists = false
        /// Where a claim names FlexFactor's order of it, or tells that it was refused.
        var named: Int64?
        /// A person has sent it again since it was told.
        var isReopened = false
        var isPaidBack = false
        /// It is put away, and nothing of it stands.
        var isWaiting = false
        /// What was told names another recovery.
        var isPointer = false
        var amount: Fingerprint?
        var gateway: ClaimedGateway?
        var until: Moment

        var isTold: Bool { told >= 0 && !isReopened }
        var isPaid: Bool { told >= 0 && kind.isPaid && !isPaidBack && debt != nil }
        /// It was told as paid, whatever became of the money since, or as cancelled; or it waits.
        var isSettled: Bool { (told >= 0 && [.approved, .cancelled].contains(kind) || isWaiting) && debt != nil }
    }

    struct Request: Sendable, Equatable {
        let id: Claim.ID
        let post: Int32
    }

    private var entries: [Fingerprint: Entry] = [:]
    /// At most one recovery of a debt is open.
    private var openByDebt: [Fingerprint: Fingerprint] = [:]
    /// By recovery; few have any.
    private var refunds: [Fingerprint: MoneyBackBook] = [:]
    /// The order of each that is open or settled and is a charge of its own within a rebill.
    private var charges: [Fingerprint: String] = [:]

    init() {}

    var count: Int { entries.count }
    var openCount: Int { openByDebt.count }

    func standing(of reference: Fingerprint) -> ClaimBook.Standing? {
        entries[reference].map { entry in
            ClaimBook.Standing(
                told: entry.isTold ? ClaimBook.Standing.Told(offset: entry.told, kind: entry.kind) : nil, exists: entry.exists,
                mayBeCharged: !entry.open.isEmpty || entry.exists, isAsking: !entry.open.isEmpty, lastRequest: entry.open.last?.id,
                askedPost: (entry.open.filter { $0.post > entry.answeredPost }.map(\.post).min() ?? entry.open.map(\.post).max()
                    ?? (entry.exists && entry.answeredPost == 0 ? 1 : nil)).map(Int.init),
                answeredPost: Int(entry.answeredPost), namedAt: entry.told < 0 && entry.exists ? entry.named : nil, gateway: entry.gateway,
                isOpened: !entry.open.isEmpty || entry.exists || entry.answeredPost > 0 || entry.told >= 0 || entry.gateway != nil,
                isUnderWay: isUnderWay(reference, entry), isWaiting: entry.isWaiting,
                isDebtPaid: isPaid(beside: reference, entry, isRepeat: true),
                isAmountPaid: isPaid(beside: reference, entry, isRepeat: false),
                amount: entry.amount.map { UInt32(truncatingIfNeeded: $0.high) | 1 } ?? 0,
                back: ClaimBook.Standing.MoneyBack(isAll: entry.isPaidBack, refunds[reference]))
        }
    }

    private func isUnderWay(_ reference: Fingerprint, _ entry: Entry) -> Bool {
        if entry.isTold { return false }
        if !entry.open.isEmpty || entry.exists || entry.answeredPost > 0 { return true }
        guard entry.isWaiting || entry.gateway != nil && entry.refusedPost == 0 else { return false }
        return if case .told? = twin(reference, entry) { false } else { true }
    }

    /// What was paid and went back was paid when it was told.
    private func isPaid(beside reference: Fingerprint, _ entry: Entry, isRepeat: Bool) -> Bool {
        let wasPaid = entry.told >= 0 && entry.kind == .approved
        return paid(beside: reference, entry, isRepeat: isRepeat).map { !wasPaid || $0 < entry.told } ?? false
    }

    /// What a told result corrects: it was told as a correction then, and is told so again.
    func corrected(by offset: Int64, _ reference: Fingerprint) -> ResultKind? {
        entries[reference].flatMap { $0.told == offset ? $0.corrected : nil }
    }

    /// Where the recovery of a debt is named that is open now.
    func openRecovery(of debt: Fingerprint) -> Int64? {
        openByDebt[debt].flatMap { entries[$0]?.first }
    }

    func claims(of rebill: Debt) -> Set<Int64> {
        let debt = Fingerprint(of: rebill)
        let charges = charges.filter { $0.value == rebill.orderID }.keys.compactMap { entries[$0]?.first }
        let settled = entries.values.filter { $0.isSettled && $0.debt == debt }.map(\.first)
        return Set(charges + settled + (openRecovery(of: debt).map { [$0] } ?? []))
    }

    /// Takes a record in and judges it by what stood before.
    mutating func take(_ claim: Claim, at offset: Int64) -> ClaimVerdict<Int64> {
        let key = Fingerprint(of: claim.reference, merchant: claim.merchantID)
        var entry = entries[key] ?? Entry(debt: claim.debt, first: offset, until: claim.until)
        // Nothing of it can be with FlexFactor: what is posted now says anew what it is for.
        if entry.open.isEmpty, !entry.exists, entry.answeredPost == 0, !entry.isTold, !entry.isPaid {
            if case .send = claim.act {
                close(key, entry)
                (entry.debt, entry.amount, entry.first) = (nil, nil, offset)
            }
            if claim.act == .waiting { entry.first = offset }
        }
        entry.debt = entry.debt ?? claim.debt
        // What comes back has an amount of its own.
        if case .moneyBack = claim.act {
        } else {
            entry.amount = entry.amount ?? claim.amount.map { Fingerprint(String($0.minorUnits), $0.currency.code) }
        }
        entry.until = max(entry.until, claim.until)
        let isBound = entry.gateway != nil && (!entry.open.isEmpty || entry.exists)
        let isSame = entry.gateway?.account != nil && entry.gateway?.account == claim.gateway?.account
        if !isBound || isSame { entry.gateway = claim.gateway ?? entry.gateway }
        let verdict = judge(claim, &entry, key, offset)
        entries[key] = entry
        if entry.debt.flatMap({ openByDebt[$0] }) != key, !entry.isSettled {
            charges[key] = nil
        } else if claim.order?.chargeID != nil, claim.order?.rebill(of: claim.reference) != nil {
            charges[key] = claim.reference.orderID
        }
        return verdict
    }

    private mutating func judge(_ claim: Claim, _ entry: inout Entry, _ key: Fingerprint, _ offset: Int64) -> ClaimVerdict<Int64> {
        switch claim.act {
        case .send(let post): return send(claim, post: Int32(clamping: post), &entry, key)
        case .unsent(let id):
            entry.open.removeAll { $0.id == id }
            let isNowhere = entry.open.isEmpty && !entry.exists && entry.answeredPost == 0
            if isNowhere { close(key, entry) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            entry.isWaiting = isNowhere && id > 0 && claim.reference.kind.isRetry && !entry.isReopened
            return .granted(alone: entry.open.isEmpty, corrects: nil)
        case .waiting:
            let isNowhere = entry.open.isEmpty && !entry.exists && entry.answeredPost == 0
            if isNowhere { close(key, entry) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            entry.isWaiting = isNowhere
            return .granted(alone: entry.open.isEmpty, corrects: nil)
        case .exists(let answered):
            entry.isWaiting = false
            if claim.orderID != nil { entry.named = offset } else if !entry.exists { entry.named = nil }
            entry.exists = true
            answer(answered, &entry)
            if entry.isTold { return .told(entry.told, entry.kind) }
            open(key, entry)
            return .granted(alone: entry.open.isEmpty, corrects: nil)
        case .refused(let id, let isLast):
            if isLast {
                if entry.isTold { return .told(entry.told, entry.kind) }
                if entry.exists { return .mayBeCharged }
                if !entry.open.contains(where: { $0.id == id }), let refusal = refusal(entry) { return refusal }
                if let last = entry.open.last, last.id != id { return .askedTooEarly }
            }
            if let request = entry.open.first(where: { $0.id == id }) {
                entry.refusedPost = max(entry.refusedPost, request.post)
                if !entry.exists { entry.named = offset }
            }
            // The same key is refused whoever sent it.
            entry.open.removeAll { $0.post <= entry.refusedPost }
            if entry.open.isEmpty, !entry.exists { close(key, entry) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            return .granted(alone: entry.open.isEmpty, corrects: nil)
        case .told(let told): return tell(told, claim.reference.kind, &entry, key, offset)
        case .reopened(.paidBack):
            entry.isPaidBack = true
            return .granted(alone: true, corrects: nil)
        case .moneyBack(let back):
            if case .listed = back.step, entry.isPaidBack, refunds[key]?.isListed != true { return .mayBeCharged }
            let (verdict, isPaidBack) = refunds[key, default: MoneyBackBook()].take(
                back, minorUnits: claim.amount?.minorUnits, isPaidBack: entry.isPaidBack, at: offset)
            if isPaidBack { entry.isPaidBack = true }
            return verdict
        case .reopened(.byOperator):
            if entry.told >= 0, !entry.kind.isPaid { entry.isReopened = true }
            return entry.isTold ? .told(entry.told, entry.kind) : .granted(alone: true, corrects: nil)
        }
    }

    private mutating func send(_ claim: Claim, post: Int32, _ entry: inout Entry, _ key: Fingerprint) -> ClaimVerdict<Int64> {
        if entry.isTold { return .told(entry.told, entry.kind) }
        if post <= entry.refusedPost, let refusal = refusal(entry) { return refusal }
        if let other = twin(key, entry) ?? obstacle(to: claim.reference.kind, key, entry) { return other }
        if post <= entry.refusedPost { return .nextPost(Int(entry.refusedPost) + 1, refusal: nil) }
        let isAlone = entry.open.isEmpty && post > entry.answeredPost && !(entry.exists && entry.answeredPost == 0)
        entry.open.append(Request(id: claim.id, post: post))
        entry.isWaiting = false
        open(key, entry)
        return .granted(alone: isAlone, corrects: nil)
    }

    private mutating func tell(
        _ told: Claim.Told, _ kind: RecoveryReference.Kind, _ entry: inout Entry, _ key: Fingerprint, _ offset: Int64
    ) -> ClaimVerdict<Int64> {
        if let own = told.withdrawing { entry.open.removeAll { $0.id == own } }
        var corrected: ResultKind?
        if entry.told >= 0 {
            // Only money that was taken after all overrules what was told; or what came of a person's act.
            guard entry.isReopened || told.kind.isPaid && !entry.kind.isPaid else { return .told(entry.told, entry.kind) }
            corrected = entry.kind
        }
        // FlexFactor was asked before the last of them was sent.
        if let seen = told.seen, !told.kind.isPaid, let last = entry.open.last, last.id != seen { return .askedTooEarly }
        switch told.basis {
        case .known: break
        case .pointer:
            // Another copy may have been sent since this one was refused.
            if entry.exists || !entry.open.isEmpty { return .mayBeCharged }
        case .absent:
            if entry.exists { return .mayBeCharged }
            if let known = told.refused, known < Int(entry.refusedPost), let refusal = refusal(entry) { return refusal }
        case .unsent:
            if entry.exists || !entry.open.isEmpty { return .mayBeCharged }
            if let known = told.refused, known < Int(entry.refusedPost), let refusal = refusal(entry) { return refusal }
            if let other = twin(key, entry) ?? obstacle(to: kind, key, entry) { return other }
        }
        if told.unlessPaid, let other = paid(beside: key, entry, isRepeat: kind.isRetry) { return .recovered(other) }
        entry.told = offset
        entry.kind = told.kind
        entry.isPointer = told.basis == .pointer
        entry.corrected = corrected == told.kind ? nil : corrected
        entry.isReopened = false
        entry.isWaiting = false
        entry.open = []
        close(key, entry)
        return .granted(alone: true, corrects: entry.corrected)
    }

    /// It was told that FlexFactor refused the last post, and FlexFactor has none.
    private func refusal(_ entry: Entry) -> ClaimVerdict<Int64>? {
        guard entry.told < 0, !entry.exists, let named = entry.named else { return nil }
        return .nextPost(Int(entry.refusedPost) + 1, refusal: named)
    }

    private func answer(_ id: Claim.ID?, _ entry: inout Entry) {
        guard let id, let request = entry.open.first(where: { $0.id == id }) else { return }
        entry.answeredPost = max(entry.answeredPost, request.post)
        // FlexFactor answers by the key: whoever sent the same post gets the same.
        entry.open.removeAll { $0.post <= entry.answeredPost }
    }

    /// What became of the same decline under another reference: the first that ended, or else the first that was named.
    private func twin(_ key: Fingerprint, _ entry: Entry) -> ClaimVerdict<Int64>? {
        guard entry.open.isEmpty, !entry.exists, entry.answeredPost == 0, entry.told < 0 else { return nil }
        let others = entries.filter { $0.key != key && $0.key.low == key.low }.values
        let ended = others.filter { $0.told >= 0 && !$0.isPointer }.min { $0.told < $1.told }
        if let ended { return .told(ended.told, ended.kind) }
        let open = others.filter { $0.told < 0 && (!$0.open.isEmpty || $0.exists || $0.answeredPost > 0) }
        return open.min { $0.first < $1.first }.map { .otherForm($0.first, exists: $0.exists) }
    }

    // MARK: Debts

    /// Another recovery of the same debt that is open, or was paid: the first, where several were. A first try minds only its own amount.
    private func obstacle(to kind: RecoveryReference.Kind, _ key: Fingerprint, _ entry: Entry) -> ClaimVerdict<Int64>? {
        guard let debt = entry.debt else { return nil }
        if let open = openByDebt[debt], open != key, let other = entries[open] { return .inRecovery(other.first) }
        return paid(beside: key, entry, isRepeat: kind.isRetry).map { .recovered($0) }
    }

    /// Where another was told by which the debt is paid, the first of several.
    private func paid(beside key: Fingerprint, _ entry: Entry, isRepeat: Bool) -> Int64? {
        guard let debt = entry.debt else { return nil }
        let paid = entries.filter { $0.key != key && $0.value.isPaid && $0.value.debt == debt }
        return paid.values.filter { isRepeat || $0.amount == entry.amount }.map(\.told).min()
    }

    private mutating func open(_ key: Fingerprint, _ entry: Entry) {
        if let debt = entry.debt, openByDebt[debt] == nil { openByDebt[debt] = key }
    }

    private mutating func close(_ key: Fingerprint, _ entry: Entry) {
        if let debt = entry.debt, openByDebt[debt] == key { openByDebt[debt] = nil }
    }

    // MARK: Forgetting

    /// Lets go of what cannot come again.
    mutating func forget(before now: Moment) {
        let gone = entries.filter { $0.value.until < now }
        for (key, entry) in gone {
            entries[key] = nil
            refunds[key] = nil
            charges[key] = nil
            close(key, entry)
        }
    }
}
