package import DeclineRecovery

/// What a stage made of one message: all that must be published before the delivery ends, and the one line that tells of it.
///
/// A stage has no other way to end a delivery, so a message is replaced by what it led to or stays where it is.
///
/// An object that never changes.
package final class StageOutcome: Sendable {
    package let publishing: [StageMessage]
    /// Where the message itself goes on to, as it came, beside what is published.
    package let onward: Onward?
    package let entry: JournalEntry

    package enum Onward: Sendable, Equatable {
        /// To the suspects, with a note of where it was.
        case suspects(SetAside)
        /// Straight to the queue of a stage, past the exchange that did not find it.
        case queue(of: Stage)
        /// Into the delay ladder, for as long as it has to wait yet.
        case ladder(Stage, until: Moment)
        /// Back to the end of its own stage's queue, to be worked on anew as one that was handed out before.
        case again(Stage)
    }

    /// How long the delivery is held before it ends.
    package let pause: Moment.Span?

    /// What happened, for logs and metrics. No personal data, no card, no key.
    package struct JournalEntry: Sendable, Equatable {
        package let merchantID: MerchantID?
        package let reference: RecoveryReference?
        package let gatewayID: GatewayID?
        package let fate: Kind
        /// When the charge was declined, where known: a result measures its age from here.
        package let declinedAt: Moment?
        /// The code that no mapping knew, for the metric by which somebody maps it.
        package let unmapped: Decline?
        package let attempts: Int
        /// A charge that may or may not have happened was settled: how many calls it took stands in `attempts`.
        package let wasUnknown: Bool
        /// The recovery that stands in the way of this one, or that tells the same decline's end.
        package var other: RecoveryReference?
        /// What the CRM was told to do.
        package internal(set) var action: CRMAction.Name?
        /// The rule that decided the class, where this step decided it.
        package let rule: String?
        package let declineClass: DeclineClass?
        /// Until when the recovery was put away, where that is not its fate already.
        package let until: Moment?
        package internal(set) var amount: Money?
        /// Who declined and why, e.g. `nmi/201`, where this step read it.
        package let declineCode: String?
        /// How the decline was judged, and what was asked, where this step judged it.
        package let classification: Classification?
        package let decline: JournaledDecline?
        /// Fields of the event that were left out or cut.
        package let notes: [String]
        package internal(set) var flexFactorOrderID: FlexFactorOrderID?
        /// What is true now, where a correction was told.
        package internal(set) var becomes: ResultKind?
        /// Of a refund or a chargeback that was told.
        package internal(set) var resultID: String?
        /// Why the call before it was put away was not sent.
        package internal(set) var unsent: CallFailure.NotSent?
        /// A letter beside what is told says that money stands against what was told.
        package internal(set) var hasLetter = false
        /// An answer was asked for on a queue to which no answer may go.
        package internal(set) var hasRefusedReply = false
        /// The event says that it will be declined: the CRM's clock is ahead of ours by more than any network takes.
        package internal(set) var isClockAhead = false
        /// The customer's address is one of a private network, which no customer has: a proxy's, or the shop's own.
        package internal(set) var hasPrivateAddress = false

        package init(
            merchantID: MerchantID? = nil, reference: RecoveryReference? = nil, gatewayID: GatewayID? = nil, fate: Kind,
            declinedAt: Moment? = nil, unmapped: Decline? = nil, attempts: Int = 0, wasUnknown: Bool = false,
            rule: String? = nil, declineClass: DeclineClass? = nil, until: Moment? = nil, amount: Money? = nil, declineCode: String? = nil,
            classification: Classification? = nil, decline: JournaledDecline? = nil, notes: [String] = []
        ) {
            self.merchantID = merchantID
            self.reference = reference
            self.gatewayID = gatewayID
            self.fate = fate
            self.declinedAt = declinedAt
            self.unmapped = unmapped
            self.attempts = attempts
            self.wasUnknown = wasUnknown
            self.rule = rule
            self.declineClass = declineClass
            self.until = until
            self.amount = amount
            self.declineCode = declineCode
            self.classification = classification
            self.decline = decline
            self.notes = notes
        }
    }

    /// Every end that a delivery can have.
    package enum Kind: Sendable, Equatable {
        case passed(to: Stage)
        case told(ResultKind, reason: String)
        case parked(Moment.Span, because: String)
        case deadLettered(DeadLetterReason)
        /// Told as rejected, and kept as a dead letter.
        case rejected(reason: String)
        /// Nothing follows from it; why.
        case ignored(String)

        /// Of a repeat of what runs: that tells the end of both.
        static let underWay = "its recovery is under way"

        /// The journal's word for it.
        package var fate: JournalRecord.Fate {
            switch self {
            case .passed: .passed
            case .told: .told
            case .parked: .parked
            case .deadLettered: .deadLettered
            case .rejected: .rejected
            case .ignored: .ignored
            }
        }
    }

    /// Whether it tells what stands on the stream of claims as told: it must be heard, whatever became of the delivery that it came of.
    package var isClaimed: Bool {
        switch entry.fate {
        case .told(let kind, _): kind != .submitted && kind != .nothingToCancel
        case .deadLettered(.attemptsSpent): true
        case .passed, .parked, .deadLettered, .rejected, .ignored: false
        }
    }

    var withRefusedReply: StageOutcome { noting { $0.hasRefusedReply = true } }

    /// An instant decline's address is looked at: FlexFactor judges the customer by it.
    func noting(_ address: String?) -> StageOutcome {
        guard let address, IPAddress.isPrivate(address) else { return self }
        return noting { $0.hasPrivateAddress = true }
    }

    /// Of what is put away: why the call before was not sent, if it was not.
    func noting(unsent: CallFailure.NotSent?) -> StageOutcome {
        unsent == nil ? self : noting { $0.unsent = unsent }
    }

    private func noting(_ what: (inout JournalEntry) -> Void) -> StageOutcome {
        var entry = entry
        what(&entry)
        return StageOutcome(publishing: publishing, onward: onward, pause: pause, entry: entry)
    }

    /// The same, but a recovery that was put away goes on as soon as it can be taken up.
    func goingOnAtOnce() -> StageOutcome {
        let messages = publishing.map { message in
            guard case .delayed(let stage, _) = message.destination, message.type == WorkEnvelope.type else { return message }
            var sent = StageMessage(
                to: .stage(stage), messageID: message.messageID, type: message.type, correlationID: message.correlationID,
                traceparent: message.traceparent, body: message.body)
            sent.share = message.share
            return sent
        }
        return StageOutcome(publishing: messages, onward: onward, pause: pause, entry: entry)
    }

    /// With more to publish.
    func with(_ messages: [StageMessage]) -> StageOutcome {
        StageOutcome(publishing: publishing + messages, onward: onward, pause: pause, entry: entry)
    }

    init(publishing: [StageMessage], onward: Onward? = nil, pause: Moment.Span? = nil, entry: consuming JournalEntry) {
        self.publishing = publishing
        self.onward = onward
        self.pause = pause
        if case .told = entry.fate { entry.hasLetter = publishing.contains { $0.type == DeadLetter.type } }
        self.entry = entry
    }

    /// What was told before, told again as it was.
    convenience init(again record: ClaimRecord, reply: ReplyAddress? = nil, traceparent: String?, entry: JournalEntry) {
        let messages = record.messages(reply: reply, traceparent: traceparent)
        self.init(publishing: messages, entry: entry.telling(record, as: messages))
    }
}
