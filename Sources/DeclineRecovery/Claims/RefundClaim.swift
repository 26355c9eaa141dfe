/// What is claimed about giving money back. FlexFactor has no key that makes a repeated refund one, so the claims are all there is.
///
/// A command of the CRM is carried out once, however often it was published. FlexFactor's webhook of what a command of ours gave back is no
/// second refund: it is placed with the command by its amount, since nothing else of it is known before it comes.
package struct RefundClaim: Sendable, Equatable {
    /// Of the command's id; with `news`, of what tells one refund from another there.
    package let id: Fingerprint
    package let step: Step

    package enum Step: Sendable, Equatable {
        /// FlexFactor is about to be asked for it. A later round comes after it was seen that the one before did nothing.
        case send(round: Int)
        /// No byte of it was written. Round 0 withdraws nothing, and shows what was told.
        case unsent(round: Int)
        /// `round`: which of its own requests the teller speaks of; 0 for none.
        case told(ResultKind, round: Int, isWhole: Bool)
        /// FlexFactor reports a refund. `isLate`: a command that may have done it had its time to say so.
        case news(isWhole: Bool, isLate: Bool)
        /// FlexFactor lists the order as returned: whatever gave the money back, nothing of it is left. `beside`: the refunds that were told,
        /// in minor units, as far as whoever claims this has heard.
        case listed(beside: Int64, isLate: Bool)
    }

    package init(_ id: Fingerprint, _ step: Step) {
        self.id = id
        self.step = step
    }

    /// The list of orders shows an order as returned (truth.md §4). An older worker reads it as news of the whole.
    package static func listed(beside: Int64, isLate: Bool) -> RefundClaim { RefundClaim(listed, .listed(beside: beside, isLate: isLate)) }

    static let listed = Fingerprint(WebhookNews.listed)

    /// A chargeback that is told. By its id it is told once, and the list of orders tells none that was told before.
    package static func chargeback(_ distinction: String?, isWhole: Bool) -> RefundClaim {
        RefundClaim(Fingerprint("chargeback", distinction), .told(.chargeback, round: 0, isWhole: isWhole))
    }

    fileprivate static let listedChargeback = chargeback(WebhookNews.listed, isWhole: true).id

    var telling: ResultKind? {
        switch step {
        case .told(let kind, _, _): kind
        case .news, .listed: .refunded
        case .send, .unsent: nil
        }
    }
}

/// The refunds of one recovery, as the claims have them.
struct RefundBook: Sendable {
    /// One refund: the CRM's command, FlexFactor's news of it, or both.
    struct Entry: Sendable {
        var command: Fingerprint?
        var news: Fingerprint?
        var minorUnits: Int64?
        var round: Int32 = 0
        var isOpen = false
        /// Where it was told; negative before.
        var told: Int64 = -1
        var kind = ResultKind.refunded
    }

    var entries: [Entry] = []

    /// The refunds that were told, in minor units; `nil` where one's amount is not known.
    var refunded: Int64? {
        entries.reduce(0) { sum, entry in
            guard entry.told >= 0, entry.kind == .refunded else { return sum }
            return sum.flatMap { sum in entry.minorUnits.map { sum + $0 } }
        }
    }

    /// What the list of orders was told to show.
    private var listed: Entry? { entries.first { $0.told >= 0 && $0.news == RefundClaim.listed } }
    var isListed: Bool { listed != nil }
    var isDisputed: Bool { entries.contains { $0.told >= 0 && $0.kind == .chargeback } }

    /// What was told already of all that the claim would tell.
    private func told(insteadOf claim: RefundClaim, _ kind: ResultKind) -> Entry? {
        switch kind {
        case .refunded: listed
        case .chargeback:
            entries.first { entry in
                entry.told >= 0 && entry.kind == kind && [entry.command, claim.id].contains(RefundClaim.listedChargeback)
            }
        default: nil
        }
    }

    /// - Returns: the verdict, and whether all of the money is known to be back by it.
    mutating func take(_ claim: RefundClaim, minorUnits: Int64?, at offset: Int64) -> (ClaimVerdict<Int64>, isPaidBack: Bool) {
        let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
        switch claim.step {
        case .listed(let beside, let isLate): return list(minorUnits, beside: beside, isLate, offset)
        case .news(_, let isLate) where claim.id == RefundClaim.listed: return list(minorUnits, beside: refunded, isLate, offset)
        case .news(let isWhole, let isLate): return hear(claim.id, minorUnits, isWhole, isLate, offset)
        case .send, .unsent, .told: break
        }
        let index = entries.firstIndex { $0.command == claim.id } ?? entries.endIndex
        if index == entries.endIndex { entries.append(Entry(command: claim.id)) }
        let entry = entries[index]
        if entry.told >= 0 { return (.told(entry.told, entry.kind), false) }
        switch claim.step {
        case .send(let round):
            let round = Int32(clamping: round)
            if round < entry.round || round == entry.round && entry.isOpen { return (.mayBeCharged, false) }
            entries[index].round = round
            entries[index].isOpen = true
            entries[index].minorUnits = minorUnits
        case .unsent(let round):
            if round > 0, round == entry.round { entries[index].isOpen = false }
        case .told(let kind, let round, let isWhole):
            if kind != .refunded, entry.isOpen, round != entry.round { return (.mayBeCharged, false) }
            if let other = told(insteadOf: claim, kind) {
                entries[index].isOpen = false
                return (.told(other.told, kind), false)
            }
            entries[index].told = offset
            entries[index].kind = kind
            entries[index].isOpen = false
            return (granted, kind == .refunded && isWhole)
        case .news, .listed: break
        }
        return (granted, false)
    }

    private mutating func list(_ minorUnits: Int64?, beside: Int64?, _ isLate: Bool, _ offset: Int64) -> (
        ClaimVerdict<Int64>, isPaidBack: Bool
    ) {
        if let listed { return (.told(listed.told, .refunded), false) }
        // More was told than its teller reckons with; or whoever asked for some of it tells that first, while there is time.
        if beside != refunded || !isLate && entries.contains(where: \.isOpen) { return (.mayBeCharged, false) }
        entries.append(Entry(news: RefundClaim.listed, minorUnits: minorUnits, told: offset))
        return (.granted(alone: true, corrects: nil), true)
    }

    private mutating func hear(
        _ news: Fingerprint, _ minorUnits: Int64?, _ isWhole: Bool, _ isLate: Bool, _ offset: Int64
    ) -> (ClaimVerdict<Int64>, isPaidBack: Bool) {
        let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
        if let known = entries.first(where: { $0.news == news }) {
            return (known.command == nil ? granted : .told(known.told, known.kind), false)
        }
        if let listed { return (.told(listed.told, .refunded), false) }
        func fits(_ entry: Entry) -> Bool {
            guard entry.command != nil, entry.news == nil else { return false }
            return entry.minorUnits == nil || minorUnits == nil || entry.minorUnits == minorUnits
        }
        if let index = entries.firstIndex(where: { $0.told >= 0 && $0.kind == .refunded && fits($0) }) {
            entries[index].news = news
            return (.told(entries[index].told, .refunded), isWhole)
        }
        if let index = entries.firstIndex(where: { $0.isOpen && fits($0) }) {
            guard isLate else { return (.mayBeCharged, false) }
            // Whoever sent it cannot say: this is what came of it.
            entries[index].news = news
            entries[index].told = offset
            entries[index].isOpen = false
            return (granted, isWhole)
        }
        entries.append(Entry(news: news, minorUnits: minorUnits, told: offset))
        return (granted, isWhole)
    }
}
