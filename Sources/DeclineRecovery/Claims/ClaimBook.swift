/// What the stream of claims says: the fold of its records in their order, the same on every pod.
///
/// Of each recovery it holds what the next claim is judged by and where on the stream the rest stands (`ClaimTable`). Entries leave when
/// nothing of the recovery can come again.
package struct ClaimBook: Sendable {
    private typealias Entry = ClaimTable.Entry
    private typealias Slot = ClaimTable.Slot

    struct Request: Sendable, Equatable {
        let id: Claim.ID
        let post: Int32
    }

    private var table = ClaimTable()
    /// Requests that stand neither withdrawn nor answered; few recoveries have any.
    private var requests: [Fingerprint: [Request]] = [:]
    /// By recovery; few have any.
    private var refunds: [Fingerprint: MoneyBackBook] = [:]

    /// The gateways that anything was sent by, in the order in which they were first named.
    private var gateways: [ClaimedGateway] = []

    /// The latest time by which anything was let go of.
    private var forgottenBefore = Moment(milliseconds: .min)

    package init() {}

    package var count: Int { table.count }
    package var openCount: Int { table.openCount }

    /// How many recoveries are open that were sent by each gateway.
    func openByGateway() -> [ClaimedGateway: Int] {
        var counts: [ClaimedGateway: Int] = [:]
        table.forEachOpen { entry in if entry.gateway > 0 { counts[gateways[Int(entry.gateway) - 1], default: 0] += 1 } }
        return counts
    }

    private mutating func number(of gateway: ClaimedGateway) -> UInt16 {
        if let known = gateways.firstIndex(of: gateway) { return UInt16(known + 1) }
        guard gateways.count < UInt16.max else { return 0 }
        gateways.append(gateway)
        return UInt16(gateways.count)
    }

    package func standing(of reference: Fingerprint) -> Standing? {
        table.slot(of: reference).map { slot in
            let entry = table[slot]
            return Standing(
                told: entry.isTold ? Standing.Told(offset: entry.told, kind: entry.kind) : nil, exists: entry.exists,
                mayBeCharged: requests[reference] != nil || entry.exists,
                isAsking: requests[reference] != nil, lastRequest: requests[reference]?.last?.id,
                askedPost: askedPost(requests[reference] ?? [], entry), answeredPost: Int(entry.answeredPost),
                namedAt: entry.exists ? entry.named : nil, gateway: entry.gateway > 0 ? gateways[Int(entry.gateway) - 1] : nil,
                isOpened: requests[reference] != nil || entry.exists || entry.answeredPost > 0 || entry.told >= 0 || entry.gateway > 0,
                isUnderWay: isUnderWay(entry, requests[reference] ?? []), isWaiting: entry.isWaiting,
                isDebtPaid: isPaid(beside: slot, entry, isRepeat: true), isAmountPaid: isPaid(beside: slot, entry, isRepeat: false),
                amount: entry.amount,
                back: Standing.MoneyBack(isAll: entry.isPaidBack, refunds.isEmpty ? nil : refunds[reference]))
        }
    }

    private func isUnderWay(_ entry: Entry, _ open: [Request]) -> Bool {
        if entry.isTold { return false }
        if !open.isEmpty || entry.exists || entry.answeredPost > 0 { return true }
        guard entry.isWaiting || entry.gateway > 0 && entry.refusedPost == 0 else { return false }
        return if case .told? = twin(entry, open) { false } else { true }
    }

    /// The earliest that was not answered: a later one is granted alone or withdrawn, so it is out there only where its pod died between.
    private func askedPost(_ open: [Request], _ entry: Entry) -> Int? {
        let posts = open.map(\.post)
        let asked = posts.filter { $0 > entry.answeredPost }.min() ?? posts.max() ?? (entry.exists && entry.answeredPost == 0 ? 1 : nil)
        return asked.map(Int.init)
    }

    /// Where what FlexFactor may have of a recovery was claimed first; where it is first named, if it may have nothing.
    package func first(of reference: Fingerprint) -> Int64? { table.slot(of: reference).map { table[$0].first } }

    /// What a told result corrects: it was told as a correction then, and is told so again.
    package func corrected(by offset: Int64, _ reference: Fingerprint) -> ResultKind? {
        table.slot(of: reference).flatMap { table[$0].told == offset ? table[$0].corrected : nil }
    }

    /// Where the recovery of a debt is named that is open now.
    package func openRecovery(of debt: Fingerprint) -> Int64? {
        table.open(of: debt).map { table[$0].first }
    }

    /// Where a recovery is named.
    package struct NamedClaim: Sendable, Hashable {
        package let place: Int64
        package let isOpen: Bool
    }

    /// Where the recoveries are named that a cancel command by order, purchase and cycle may mean: those of the debt itself, and all of its order
    /// that are charges of their own, of which their claims say the cycle. They are open or wait, or what was told of them answers the command.
    package func claims(of rebill: Debt) -> [NamedClaim] {
        let debt = Fingerprint(of: rebill)
        let own = (table.open(of: debt).map { [$0] } ?? []) + table.settled(of: debt)
        let charges = table.listed(under: Self.name(ofOrder: rebill.orderID, rebill.merchantID))
        return (own + charges).map { NamedClaim(place: table[$0].first, isOpen: table[$0].holdsOpen || table[$0].isWaiting) }
    }

    /// Takes a record in and judges it by what stood before.
    package mutating func take(_ claim: Claim, at offset: Int64) -> ClaimVerdict<Int64> {
        let key = Fingerprint(of: claim.reference, merchant: claim.merchantID)
        let slot = table.slot(of: key) ?? table.insert(Entry(key, debt: claim.debt, first: offset, until: claim.until))
        let amount = Self.amount(of: claim)
        if case .send = claim.act, isUnsent(slot, key) {
            table.begin(slot, debt: claim.debt, amount: amount, at: offset)
        } else {
            table.learn(slot, debt: claim.debt, amount: amount)
            // The claim says for what it waits. What others are judged by stays as it is for who does not know that it waits.
            if claim.act == .waiting, isUnsent(slot, key) { table.name(slot, at: offset) }
        }
        var entry = table[slot]
        if entry.until < claim.until { entry.until = claim.until }
        if let gateway = claim.gateway, mayGo(by: gateway, entry, key) { entry.gateway = number(of: gateway) }
        // Indexes find it by what it says of itself.
        table[slot] = entry
        var open = requests[key] ?? []
        let wasOpen = !open.isEmpty
        let verdict = judge(claim, &entry, &open, slot, offset)
        table[slot] = entry
        table.settle(slot)
        list(claim, slot)
        if wasOpen || !open.isEmpty { requests[key] = open.isEmpty ? nil : open }
        return verdict
    }

    /// A cancel command by order, purchase and cycle does not say the `chargeId`, so what is charged under one is found by its order while it
    /// is open or waits, and when it was settled. No claim but of what is sent, or put away before, says the rest; each says the order.
    private mutating func list(_ claim: Claim, _ slot: Slot) {
        let entry = table[slot]
        if entry.isListed {
            if !entry.isCancellable { table.unlist(slot, under: Self.name(ofOrder: claim.reference.orderID, claim.merchantID)) }
        } else if entry.isCancellable, claim.reference.kind.isRetry, let order = claim.order, order.chargeID != nil,
            order.purchaseID != nil, order.billingCycle != nil
        {
            table.list(slot, under: Self.name(ofOrder: claim.reference.orderID, claim.merchantID))
        }
    }

    private static func name(ofOrder id: String, _ merchant: MerchantID) -> UInt64 { Fingerprint(merchant.text, id).low }

    /// Nothing of it was told, and nothing that was sent can be with FlexFactor: each request was withdrawn or refused.
    private func isUnsent(_ slot: Slot, _ key: Fingerprint) -> Bool {
        let entry = table[slot]
        return requests[key] == nil && !entry.exists && entry.answeredPost == 0 && !entry.isTold && !entry.isPaid
    }

    /// Where the first request may be, all that follow must go: by any gateway of its account.
    private func mayGo(by gateway: ClaimedGateway, _ entry: Entry, _ key: Fingerprint) -> Bool {
        guard entry.gateway > 0, requests[key] != nil || entry.exists else { return true }
        let first = gateways[Int(entry.gateway) - 1].account
        return first != nil && first == gateway.account
    }

    /// What an amount is compared by; 0 where none is said.
    private static func amount(of claim: Claim) -> UInt32 { claim.saleAmount.map { mark(of: $0) } ?? 0 }

    static func mark(of amount: Money) -> UInt32 {
        UInt32(truncatingIfNeeded: Fingerprint(String(amount.minorUnits), amount.currency.code).high) | 1
    }

    private mutating func judge(_ claim: Claim, _ entry: inout Entry, _ under: inout [Request], _ slot: Slot, _ offset: Int64)
        -> ClaimVerdict<Int64>
    {
        switch claim.act {
        case .send(let post): return send(claim, post: Int32(clamping: post), &entry, &under, slot)
        case .unsent(let id):
            under.removeAll { $0.id == id }
            let isNowhere = under.isEmpty && !entry.exists && entry.answeredPost == 0
            if isNowhere { table.close(slot) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            // Who takes a request back sends it later; who takes nothing back leaves it. Of one that a person sends again after its end no claim
            // says what was sent before that.
            entry.isWaiting = isNowhere && id != 0 && claim.reference.kind.isRetry && !entry.isReopened
            return .granted(alone: under.isEmpty, corrects: nil)
        case .waiting:
            let isNowhere = under.isEmpty && !entry.exists && entry.answeredPost == 0
            // Older workers read an `unsent` of nothing, and one stream is judged alike by all.
            if isNowhere { table.close(slot) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            entry.isWaiting = isNowhere
            return .granted(alone: under.isEmpty, corrects: nil)
        case .exists(let answered):
            // What FlexFactor has it refuses no more.
            if claim.orderID != nil { entry.named = offset } else if !entry.exists { entry.named = nil }
            (entry.exists, entry.isWaiting) = (true, false)
            answer(answered, &entry, &under)
            if entry.isTold { return .told(entry.told, entry.kind) }
            table.open(slot)
            return .granted(alone: under.isEmpty, corrects: nil)
        case .refused(let id, let isLast):
            if isLast {
                if entry.isTold { return .told(entry.told, entry.kind) }
                if entry.exists { return .mayBeCharged }
                if !under.contains(where: { $0.id == id }), let refusal = refusal(entry) { return refusal }
                if let last = under.last, last.id != id { return .askedTooEarly }
            }
            if let request = under.first(where: { $0.id == id }) {
                entry.refusedPost = max(entry.refusedPost, request.post)
                if !entry.exists { entry.named = offset }
            }
            // The same key is refused whoever sent it.
            under.removeAll { $0.post <= entry.refusedPost }
            if under.isEmpty, !entry.exists { table.close(slot) }
            if entry.isTold { return .told(entry.told, entry.kind) }
            return .granted(alone: under.isEmpty, corrects: nil)
        case .told(let told): return tell(told, claim.reference.kind, &entry, &under, slot, offset)
        case .reopened(.paidBack):
            // The debt may be paid again.
            entry.isPaidBack = true
            return .granted(alone: true, corrects: nil)
        case .moneyBack(let back):
            if case .listed = back.step, entry.isPaidBack, refunds[entry.key]?.isListed != true { return .mayBeCharged }
            let (verdict, isPaidBack) = refunds[entry.key, default: MoneyBackBook()].take(
                back, minorUnits: claim.amount?.minorUnits, isPaidBack: entry.isPaidBack, at: offset)
            if isPaidBack { entry.isPaidBack = true }
            return verdict
        case .reopened(.byOperator):
            if entry.told >= 0, !entry.kind.isPaid { entry.isReopened = true }
            return entry.isTold ? .told(entry.told, entry.kind) : .granted(alone: true, corrects: nil)
        }
    }

    private mutating func send(_ claim: Claim, post: Int32, _ entry: inout Entry, _ under: inout [Request], _ slot: Slot) -> ClaimVerdict<
        Int64
    > {
        if entry.isTold { return .told(entry.told, entry.kind) }
        // What was told of it counts before what stands in its way now.
        if post <= entry.refusedPost, let refusal = refusal(entry) { return refusal }
        if let other = twin(entry, under) ?? obstacle(to: claim.reference.kind, slot, entry) { return other }
        if post <= entry.refusedPost { return .nextPost(Int(entry.refusedPost) + 1, refusal: nil) }
        let isAlone = under.isEmpty && post > entry.answeredPost && !(entry.exists && entry.answeredPost == 0)
        under.append(Request(id: claim.id, post: post))
        entry.isWaiting = false
        table.open(slot)
        return .granted(alone: isAlone, corrects: nil)
    }

    private mutating func tell(
        _ told: Claim.Told, _ kind: RecoveryReference.Kind, _ entry: inout Entry, _ under: inout [Request], _ slot: Slot, _ offset: Int64
    ) -> ClaimVerdict<Int64> {
        if let own = told.withdrawing { under.removeAll { $0.id == own } }
        var corrected: ResultKind?
        if entry.told >= 0 {
            // Only money that was taken after all overrules what was told; or what came of a person's act.
            guard entry.isReopened || told.kind.isPaid && !entry.kind.isPaid else { return .told(entry.told, entry.kind) }
            corrected = entry.kind
        }
        // They stand in the order of the stream: who has seen the last has seen all.
        if let seen = told.seen, !told.kind.isPaid, let last = under.last, last.id != seen { return .askedTooEarly }
        switch told.basis {
        case .known: break
        case .pointer:
            // Another copy may have been sent since this one was refused.
            if entry.exists || !under.isEmpty { return .mayBeCharged }
        case .absent:
            if entry.exists { return .mayBeCharged }
            if let known = told.refused, known < Int(entry.refusedPost), let refusal = refusal(entry) { return refusal }
        case .unsent:
            if entry.exists || !under.isEmpty { return .mayBeCharged }
            if let known = told.refused, known < Int(entry.refusedPost), let refusal = refusal(entry) { return refusal }
            if let other = twin(entry, under) ?? obstacle(to: kind, slot, entry) { return other }
        }
        if told.unlessPaid, let other = paid(beside: slot, entry, isRepeat: kind.isRetry) { return .recovered(other) }
        entry.told = offset
        entry.kind = told.kind
        entry.isPointer = told.basis == .pointer
        entry.corrected = corrected == told.kind ? nil : corrected
        (entry.isReopened, entry.isWaiting) = (false, false)
        under = []
        table.close(slot)
        return .granted(alone: true, corrects: entry.corrected)
    }

    /// Where it was told that FlexFactor refused the last post.
    private func refusal(_ entry: Entry) -> ClaimVerdict<Int64>? {
        entry.exists ? nil : entry.named.map { .nextPost(Int(entry.refusedPost) + 1, refusal: $0) }
    }

    private func answer(_ id: Claim.ID?, _ entry: inout Entry, _ under: inout [Request]) {
        guard let id, let request = under.first(where: { $0.id == id }) else { return }
        entry.answeredPost = max(entry.answeredPost, request.post)
        // FlexFactor answers by the key: whoever sent the same post gets the same.
        under.removeAll { $0.post <= entry.answeredPost }
    }

    /// What became of the same decline under another reference, while nothing is sent under this one: one recovery is made of a decline.
    private func twin(_ entry: Entry, _ under: [Request]) -> ClaimVerdict<Int64>? {
        guard under.isEmpty, !entry.exists, entry.answeredPost == 0, entry.told < 0 else { return nil }
        let others = table.others(of: entry)
        if let ended = others.filter({ $0.told >= 0 && !$0.isPointer }).min(by: { $0.told < $1.told }) {
            return .told(ended.told, ended.kind)
        }
        let open = others.filter { $0.told < 0 && (requests[$0.key] != nil || $0.exists || $0.answeredPost > 0) }
        return open.min { $0.first < $1.first }.map { .otherForm($0.first, exists: $0.exists) }
    }

    // MARK: Debts

    /// Another recovery of the same debt that is open, or the first that was paid.
    ///
    /// A rerun and a re-attempt repeat a charge, whatever it costs by now. A first try in another amount than was paid is another charge of the
    /// order, such as an upsell, of which the CRM says no `chargeId`.
    private func obstacle(to kind: RecoveryReference.Kind, _ slot: Slot, _ entry: Entry) -> ClaimVerdict<Int64>? {
        guard let debt = entry.debt else { return nil }
        if let open = table.open(of: debt), open != slot { return .inRecovery(table[open].first) }
        return paid(beside: slot, entry, isRepeat: kind.isRetry).map { .recovered($0) }
    }

    /// Where another recovery was told by which its debt is paid.
    ///
    /// - Parameter isRepeat: of a charge in whatever amount.
    private func paid(beside slot: Slot, _ entry: Entry, isRepeat: Bool) -> Int64? {
        guard entry.debt != nil else { return nil }
        return table.paid(beside: slot).filter { isRepeat || $0.amount == entry.amount }.map(\.told).min()
    }

    /// Whether its debt is paid by another that was told first. What was paid and went back was paid when it was told.
    private func isPaid(beside slot: Slot, _ entry: Entry, isRepeat: Bool) -> Bool {
        paid(beside: slot, entry, isRepeat: isRepeat).map { !(entry.told >= 0 && entry.kind.isPaid) || $0 < entry.told } ?? false
    }

    // MARK: Forgetting

    /// Lets go of what cannot come again.
    ///
    /// - Parameter limit: how many recoveries are looked at; the next call goes on behind them.
    package mutating func forget(before now: Moment, atMost limit: Int = .max) {
        forgottenBefore = max(forgottenBefore, now)
        for key in table.forget(before: now, atMost: limit) {
            requests[key] = nil
            refunds[key] = nil
        }
    }

    // MARK: Snapshots

    /// What a book held at a moment, to be written down while the book goes on (`ClaimSnapshot`).
    package struct Frozen: Sendable {
        var pieces: [ContiguousArray<ClaimTable.Entry>] = []
        var requests: [Fingerprint: [Request]] = [:]
        var refunds: [Fingerprint: MoneyBackBook] = [:]
        var listing = Probes<NamedCell>()
        var gateways: [ClaimedGateway] = []
        var count = 0
        var settledCount = 0
        var forgottenBefore = Moment(milliseconds: .min)
    }

    package var frozen: Frozen {
        Frozen(
            pieces: table.pieces, requests: requests, refunds: refunds, listing: table.listing, gateways: gateways, count: table.count,
            settledCount: table.settledCount, forgottenBefore: forgottenBefore)
    }

    /// What was frozen, in a table that was filled with its entries.
    init(_ frozen: Frozen, _ table: ClaimTable) {
        self.table = table
        requests = frozen.requests
        refunds = frozen.refunds
        gateways = frozen.gateways
        forgottenBefore = frozen.forgottenBefore
    }
}
