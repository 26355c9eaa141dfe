/// What is claimed of money that goes back: a refund that is asked for, or news of a refund or a chargeback. FlexFactor has no key that makes
/// a repeated refund one, so the claims are all there is.
///
/// A command of the CRM is carried out once, however often it was published. FlexFactor's webhook of what a command of ours gave back is no
/// second refund: it is placed with the command by its amount, since nothing else of it is known before it comes.
package struct MoneyBackClaim: Sendable, Equatable {
    /// Of the command's id; with `news`, of what tells one refund from another there.
    package let id: Fingerprint
    /// Of the command's source and id: two systems of the CRM may number their commands alike. `nil` where the source is not known: in news, and
    /// in what workers claimed before they looked at it. Such a claim may be of any command with that id.
    package let command: Fingerprint?
    /// With `news` whose amount is not known: what it may be, in minor units; what is claimed is the least then, if anything. Empty otherwise.
    package let readings: [Int64]
    /// Likewise: what a command asked for in whose place it is told, if one's request stands, in minor units; 0 for none. `nil` where the amount
    /// is known, and in what older workers claimed.
    package let asked: Int64?
    /// Likewise, where the order does not show as returned: less than this went back, which is all that was left. So a command that asked for as
    /// much is not what the news are of. `nil` where all may have gone back.
    package let lessThan: Int64?
    /// The news were sent again with the time of their sending: what was told of as much is the same, as far as anybody can say.
    package let isRestamped: Bool
    package let step: Step

    package enum Step: Sendable, Equatable {
        /// FlexFactor is about to be asked for it. A later round comes after it was seen that the one before did nothing.
        case send(round: Int)
        /// No byte of it was written. Round 0 withdraws nothing, and shows what was told.
        case unsent(round: Int)
        /// `round`: which of its own requests the teller speaks of; 0 for none.
        case told(ResultKind, round: Int, isWhole: Bool)
        /// A chargeback of which the CRM wants to hear nothing: it is known, and was not told.
        case untold(isWhole: Bool)
        /// FlexFactor reports a refund. `isLate`: a command that may have done it had its time to say so.
        case news(isWhole: Bool, isLate: Bool)
        /// FlexFactor lists the order as returned: whatever gave the money back, nothing of it is left. `beside`: the refunds that were told,
        /// in minor units, as far as whoever claims this has heard.
        case listed(beside: Int64, isLate: Bool)
    }

    package init(
        _ id: Fingerprint, command: Fingerprint? = nil, readings: [Int64] = [], asked: Int64? = nil, lessThan: Int64? = nil,
        isRestamped: Bool = false, _ step: Step
    ) {
        self.id = id
        self.command = command
        self.readings = readings
        self.asked = asked
        self.lessThan = lessThan
        self.isRestamped = isRestamped
        self.step = step
    }

    /// The list of orders shows an order as returned (truth.md §4). An older worker reads it as news of the whole.
    package static func listed(beside: Int64, isLate: Bool) -> MoneyBackClaim {
        MoneyBackClaim(listed, .listed(beside: beside, isLate: isLate))
    }

    static let listed = Fingerprint(WebhookNews.listed)

    /// A chargeback that is told, or known alone. By its id it is told once, and the list of orders tells none that was told before.
    package static func chargeback(
        _ distinction: String?, isWhole: Bool, isTold: Bool = true, isRestamped: Bool = false
    ) -> MoneyBackClaim {
        MoneyBackClaim(
            Fingerprint("chargeback", distinction), isRestamped: isRestamped,
            isTold ? .told(.chargeback, round: 0, isWhole: isWhole) : .untold(isWhole: isWhole))
    }

    static let listedChargeback = chargeback(WebhookNews.listed, isWhole: true).id

    var telling: ResultKind? {
        switch step {
        case .told(let kind, _, _): kind
        case .news, .listed: .refunded
        case .send, .unsent, .untold: nil
        }
    }
}
