/// What went back of one recovery, as the claims have it.
struct MoneyBackBook: Sendable {
    /// One refund or chargeback: the CRM's command, FlexFactor's news of it, or both.
    struct Entry: Sendable {
        var command: Fingerprint?
        /// Of the command's source and id, where it is known.
        var sourced: Fingerprint?
        var news: Fingerprint?
        var minorUnits: Int64?
        var round: Int32 = 0
        var isOpen = false
        /// Where it was told; negative before.
        var told: Int64 = -1
        var kind = ResultKind.refunded
        /// A chargeback that is known and was not told: `told` says where it is known from.
        var isUntold = false
        /// The amount may be more: FlexFactor's news can be read two ways.
        var isLeast = false
        /// The amount is what a command asked for in whose place news were told that did not say how much went back.
        var isAsked = false
    }

    var entries: [Entry] = []

    /// The refunds that were told, in minor units; `nil` where one's amount is not known.
    var refunded: Int64? { told(.refunded) }

    /// It may be more.
    var isRefundedLeast: Bool { entries.contains { $0.told >= 0 && $0.isLeast } }

    /// Some of it is no more than asked for: what it makes together with the rest is not known to be all.
    var isRefundedAsked: Bool { entries.contains { $0.told >= 0 && $0.isAsked } }

    /// The chargebacks that are known, told or not, likewise.
    var disputed: Int64? { told(.chargeback) }

    private func told(_ kind: ResultKind) -> Int64? {
        entries.reduce(0) { sum, entry in
            guard entry.told >= 0, entry.kind == kind else { return sum }
            return sum.flatMap { sum in entry.minorUnits.map { sum + $0 } }
        }
    }

    /// What the list of orders was told to show.
    private var listed: Entry? { entries.first { $0.told >= 0 && $0.news == MoneyBackClaim.listed } }
    var isListed: Bool { listed != nil }
    var isDisputed: Bool { entries.contains { $0.told >= 0 && $0.kind == .chargeback } }
    var isDisputeTold: Bool { entries.contains { $0.told >= 0 && $0.kind == .chargeback && !$0.isUntold } }

    var isCommanded: Bool { entries.contains { $0.round > 0 } }

    /// A command's refund was told of which FlexFactor's news have not been heard.
    var isUnheard: Bool { entries.contains { $0.told >= 0 && $0.kind == .refunded && $0.command != nil && $0.news == nil } }

    /// What the commands ask for whose requests stand open, in minor units, in their order; `nil` for an amount that is not known.
    var asks: [Int64?] { entries.filter(\.isOpen).map(\.minorUnits) }
    /// - Parameter isPaidBack: all of the money was told as back before.
    /// - Returns: the verdict, and whether all of the money is known to be back by it.
    mutating func take(
        _ claim: MoneyBackClaim, minorUnits: Int64?, isPaidBack: Bool, at offset: Int64
    ) -> (ClaimVerdict<Int64>, isPaidBack: Bool) {
        let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
        switch claim.step {
        case .listed(let beside, let isLate): return list(minorUnits, beside: beside, isLate, offset)
        case .news(_, let isLate) where claim.id == MoneyBackClaim.listed: return list(minorUnits, beside: refunded, isLate, offset)
        case .news(let isWhole, let isLate):
            return hear(claim, minorUnits, isWhole, isLate, isPaidBack, offset)
        case .told(.chargeback, _, _): return (dispute(claim, minorUnits, isTold: true, offset), false)
        case .untold: return (dispute(claim, minorUnits, isTold: false, offset), false)
        case .send, .unsent, .told: break
        }
        // What may be the same command: a worker that knew no sources may have carried out this one.
        func mayBeSame(_ entry: Entry) -> Bool {
            entry.command == claim.id && entry.sourced != claim.command && (entry.sourced == nil || claim.command == nil)
        }
        let others = entries.filter(mayBeSame)
        let index = entries.firstIndex { $0.command == claim.id && $0.sourced == claim.command } ?? entries.endIndex
        if index == entries.endIndex { entries.append(Entry(command: claim.id, sourced: claim.command)) }
        let entry = entries[index]
        if let told = ([entry] + others).first(where: { $0.told >= 0 }) { return (.told(told.told, told.kind), false) }
        switch claim.step {
        case .send(let round):
            let round = Int32(clamping: round)
            if ([entry] + others).contains(where: { round < $0.round || round == $0.round && $0.isOpen }) { return (.mayBeCharged, false) }
            entries[index].round = round
            entries[index].isOpen = true
            entries[index].minorUnits = minorUnits
            let isAlone = !entries.indices.contains { $0 != index && entries[$0].isOpen && !mayBeSame(entries[$0]) }
            return (.granted(alone: isAlone, corrects: nil), false)
        case .unsent(let round):
            if round > 0, round == entry.round { entries[index].isOpen = false }
        case .told(let kind, let round, let isWhole):
            if kind != .refunded, entry.isOpen, round != entry.round { return (.mayBeCharged, false) }
            // A later request than another's was made when it was seen that the other did nothing.
            if kind != .refunded, others.contains(where: { $0.isOpen && $0.round > round }) { return (.mayBeCharged, false) }
            if kind == .refunded, let listed {
                entries[index].isOpen = false
                return (.told(listed.told, kind), false)
            }
            entries[index].told = offset
            entries[index].kind = kind
            entries[index].isOpen = false
            return (granted, kind == .refunded && isWhole)
        case .untold, .news, .listed: break
        }
        return (granted, false)
    }

    /// A chargeback is known once by its id; and the list of orders, which says neither how many there are nor of how much, shows what is known.
    /// What was known before the CRM wanted to hear of it is told in its place.
    private mutating func dispute(_ claim: MoneyBackClaim, _ minorUnits: Int64?, isTold: Bool, _ offset: Int64) -> ClaimVerdict<Int64> {
        let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
        let id = claim.id
        let known = entries.indices.filter {
            let entry = entries[$0]
            return entry.told >= 0 && entry.kind == .chargeback
                && (entry.command == id || [entry.command, id].contains(MoneyBackClaim.listedChargeback)
                    || claim.isRestamped && (minorUnits == nil || entry.minorUnits == minorUnits))
        }
        let said = known.filter { !entries[$0].isUntold }
        func own(_ some: [Int]) -> Int? { some.first { entries[$0].command == id } ?? some.first }
        if let index = own(said) ?? (isTold ? nil : own(known)) { return .told(entries[index].told, .chargeback) }
        guard let index = own(known) else {
            entries.append(Entry(command: id, minorUnits: minorUnits, told: offset, kind: .chargeback, isUntold: !isTold))
            return granted
        }
        entries[index].told = offset
        entries[index].isUntold = false
        entries[index].minorUnits = entries[index].minorUnits ?? minorUnits
        return granted
    }

    private mutating func list(_ minorUnits: Int64?, beside: Int64?, _ isLate: Bool, _ offset: Int64) -> (
        ClaimVerdict<Int64>, isPaidBack: Bool
    ) {
        if let listed { return (.told(listed.told, .refunded), false) }
        // More was told than its teller reckons with; or whoever asked for some of it tells that first, while there is time.
        if beside != refunded || !isLate && entries.contains(where: \.isOpen) { return (.mayBeCharged, false) }
        entries.append(Entry(news: MoneyBackClaim.listed, minorUnits: minorUnits, told: offset))
        return (.granted(alone: true, corrects: nil), true)
    }

    private mutating func hear(
        _ claim: MoneyBackClaim, _ minorUnits: Int64?, _ isWhole: Bool, _ isLate: Bool, _ isPaidBack: Bool, _ offset: Int64
    ) -> (ClaimVerdict<Int64>, isPaidBack: Bool) {
        let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
        let (news, readings) = (claim.id, claim.readings)
        // Whatever FlexFactor shows of the order by now.
        if let known = entries.first(where: { $0.news == news }) { return (.told(known.told, known.kind), false) }
        if let listed { return (.told(listed.told, .refunded), false) }
        func isOfAsMuch(_ entry: Entry) -> Bool {
            if readings.isEmpty { return minorUnits == nil || entry.minorUnits == minorUnits }
            return entry.minorUnits == minorUnits || entry.minorUnits.map { readings.contains($0) } ?? false
        }
        if claim.isRestamped, let same = entries.first(where: { $0.told >= 0 && $0.news != nil && isOfAsMuch($0) }) {
            return (.told(same.told, same.kind), false)
        }
        func fits(_ entry: Entry) -> Bool {
            guard entry.command != nil, entry.news == nil else { return false }
            guard let asked = entry.minorUnits else { return true }
            return readings.isEmpty ? minorUnits == nil || asked == minorUnits : readings.contains(asked)
        }
        /// Whether its teller has heard of the command in whose place it tells, or that there is none.
        func isInPlace(of asked: Int64?) -> Bool { claim.asked.map { $0 == asked ?? 0 } ?? true }
        if let index = entries.firstIndex(where: { $0.told >= 0 && $0.kind == .refunded && fits($0) }) {
            // That all is back by now is no news of this refund: the rest is told by news of its own, or by the list of orders.
            entries[index].news = news
            return (.told(entries[index].told, .refunded), false)
        }
        /// Of what a command asked for that would be all, the order shows nothing.
        func mayBe(_ entry: Entry) -> Bool {
            guard let all = claim.lessThan, let asked = entry.minorUnits else { return true }
            return asked < all
        }
        let open = entries.indices.filter { entries[$0].isOpen && fits(entries[$0]) }
        if !open.isEmpty, !isLate { return (.mayBeCharged, false) }
        if let index = open.first(where: { mayBe(entries[$0]) }) {
            guard isInPlace(of: entries[index].minorUnits) else { return (.mayBeCharged, false) }
            // Whoever sent it cannot say: this is what came of it.
            entries[index].news = news
            entries[index].isAsked = minorUnits == nil || !readings.isEmpty
            entries[index].told = offset
            entries[index].isOpen = false
            return (granted, isWhole)
        }
        // More than all cannot go back: it is what was told, under another name. A dispute may be of an amount that nobody told.
        if isPaidBack, !isDisputed, let last = entries.last(where: { $0.told >= 0 && $0.kind == .refunded }) {
            return (.told(last.told, .refunded), false)
        }
        if !isInPlace(of: nil) { return (.mayBeCharged, false) }
        entries.append(Entry(news: news, minorUnits: minorUnits, told: offset, isLeast: minorUnits != nil && !readings.isEmpty))
        return (granted, isWhole)
    }
}
