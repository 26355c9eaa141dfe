package import DeclineRecovery
import JSON

/// Takes in what the CRM sends: decode, decide soft or hard, decide the way, pass it on.
///
/// The cascade deadline is not judged here but by the cascade stage, which can ask FlexFactor: this message may be the second copy
/// of a decline whose first copy was charged in time, and a skip would then send the customer to another gateway.
package struct IntakeStage: Sendable {
    private let environment: StageEnvironment
    let merchants: any MerchantDirectory
    let letters: LetterWriter
    let replies: ReplyPolicy
    let mends: any MendDirectory
    let day: Moment.Span
    /// What was declined longer ago is not taken: what became of it may be forgotten.
    let oldestDecline: Moment.Span

    package init(
        in environment: StageEnvironment, merchants: any MerchantDirectory, replies: ReplyPolicy = ReplyPolicy(),
        mends: any MendDirectory = NoMends(), day: Moment.Span = .days(1), oldestDecline: Moment.Span = .days(30)
    ) {
        self.environment = environment
        self.merchants = merchants
        self.replies = replies
        self.mends = mends
        self.day = day
        self.oldestDecline = oldestDecline
        letters = environment.letters(of: .intake)
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        let handled = await decide(message)
        return wantsReply(message) && reply(of: message) == nil ? handled.withRefusedReply : handled
    }

    private func decide(_ message: IncomingMessage) async -> StageOutcome {
        switch CRMMessage.decode(message.body) {
        case .decline(let event):
            mending(await take(event, message), event, message).noting(event.trigger == .initial ? event.order.ipAddress : nil)
        case .cancel(let command): await pass(command, message)
        case .refund(let command): pass(command, message)
        case .rejected(let event): reject(event, message)
        case .unreadable(let error): answerUnreadable(error, message)
        }
    }

    /// A letter of the event as it came before, with faults, is done with now.
    private func mending(_ handled: StageOutcome, _ event: DeclineEvent, _ message: IncomingMessage) -> StageOutcome {
        guard let reference = handled.entry.reference else { return handled }
        switch handled.entry.fate {
        case .passed, .told: break
        case .parked, .deadLettered, .rejected, .ignored: return handled
        }
        let now = environment.now()
        let trace = message.traceparent.flatMap { ReplayTrace.id(ofTraceparent: $0) }
        let letters = mends.passed(event, as: reference, trace: trace, at: now)
        if letters.isEmpty { return handled }
        return handled.with([.resolving(letters, by: reference, worker: environment.worker.id, at: now)])
    }

    private func take(_ event: DeclineEvent, _ message: IncomingMessage) async -> StageOutcome {
        let reference = RecoveryReference(for: event)
        // A decline that was told is answered the same again, whatever the mapping says today.
        if let told = environment.claims.standing(of: reference, merchant: event.merchantID)?.told {
            // In a stream that was made anew something else stands there.
            guard let record = await environment.claims.record(at: told.offset), record.claim.reference == reference,
                record.claim.merchantID == event.merchantID
            else {
                return hold(event, reference)
            }
            return again(record, event, reference, message)
        }
        switch way(of: event, reference, message) {
        case .ended(let outcome): return outcome
        case .skip(let result, let classification): return await skip(result, event, reference, classification, message)
        }
    }

    /// Where a decline goes.
    private enum Way {
        case ended(StageOutcome)
        /// A final result, which is claimed before it is told.
        case skip(ResultEvent, Classification)
    }

    /// Apart from what waits for claims: a function that waits keeps room for each of its values for as long.
    @inline(never)
    private func way(of event: DeclineEvent, _ reference: RecoveryReference, _ message: IncomingMessage) -> Way {
        guard let merchant = merchants.merchant(event.merchantID) else {
            return refused(
                event, reference, .unknownMerchant, letter: .unknownMerchant, fault: .unknownMerchant(event.merchantID), message)
        }
        if event.declinedAt < environment.now() + .milliseconds(-oldestDecline.milliseconds) {
            return refused(
                event, reference, .tooOld, letter: .invalidEvent,
                fault: FieldError(
                    path: "$.time", message: "The charge was declined more than \(oldestDecline.milliseconds / 86_400_000) days ago."),
                message)
        }
        if case .encrypted(let card) = event.paymentMethod.card, let complaint = environment.cards.complaint(about: card) {
            let path = "$.data.paymentMethod.encryptedCard"
            return switch complaint {
            case .noKey(let why):
                refused(event, reference, .noCardKey, letter: .noCardKey, fault: FieldError(path: path, message: why), message)
            case .unusable(let why):
                refused(event, reference, .cardUnusable, letter: .cardUnusable, fault: FieldError(path: path, message: why), message)
            }
        }
        let classification = DeclineMapping.classify(DeclineCase(event), merchant: merchant)
        if classification.isNoDecline {
            return refused(
                event, reference, .notADecline, letter: .invalidEvent,
                fault: FieldError(
                    path: "$.data.decline", message: "expected a decline. \(classification.sentence)"), message)
        }
        let verdict = DeclineVerdict(declineClass: classification.declineClass, rule: classification.rule)
        let unmapped = classification.isUnknown ? event.decline : nil
        switch Router.route(event, classification, merchant: merchant, now: nil) {
        case .skip(let reason):
            let result = ResultEvent(
                subject: .recovery(reference, RecoveredOrder(event)), merchantID: merchant.id, reason: .skipped(reason), verdict: verdict,
                amount: event.amount, occurredAt: environment.now(), origin: DeclineOrigin(event))
            return .skip(result, classification)
        case .cascade(let gateway):
            var recovery = Recovery(
                of: event, as: reference, by: .cascade, through: gateway, verdict: verdict, policy: merchant.policy,
                reply: reply(of: message), now: environment.now())
            recovery.edition = Recovery.edition(of: message.body)
            return .ended(
                StageOutcome(
                    publishing: [recovery.message(to: .stage(.cascade), traceparent: message.traceparent)],
                    entry: entry(
                        of: event, reference, .passed(to: .cascade), gateway: gateway.id, unmapped: unmapped, verdict: verdict,
                        classification: classification)))
        case .retry(let gateway):
            var recovery = Recovery(
                of: event, as: reference, by: .retry, through: gateway, verdict: verdict, policy: merchant.policy,
                reply: reply(of: message), now: environment.now(), day: day)
            recovery.edition = Recovery.edition(of: message.body)
            return .ended(
                StageOutcome(
                    publishing: [recovery.message(to: .stage(.retry), traceparent: message.traceparent)],
                    entry: entry(
                        of: event, reference, .passed(to: .retry), gateway: gateway.id, unmapped: unmapped, verdict: verdict,
                        classification: classification)))
        }
    }

    private func refused(
        _ event: DeclineEvent, _ reference: RecoveryReference, _ rejection: ResultReason.Rejection, letter reason: DeadLetterReason,
        fault: FieldError, _ message: IncomingMessage
    ) -> Way { .ended(refuse(event, reference, rejection, letter: reason, fault: fault, message)) }

    private func skip(
        _ result: ResultEvent, _ event: DeclineEvent, _ reference: RecoveryReference, _ classification: Classification,
        _ message: IncomingMessage
    ) async -> StageOutcome {
        let debt = Fingerprint(of: Debt(RecoveredOrder(event), of: event.merchantID))
        let telling = await Teller(claims: environment.claims).tell(
            result, .unsent, of: reference, merchant: event.merchantID, debt: debt,
            until: max(environment.now(), event.declinedAt) + Claim.longestMemory, edition: Recovery.edition(of: message.body))
        return skipped(telling, event, reference, classification, message)
    }

    @inline(never)
    private func skipped(
        _ telling: Teller.Telling, _ event: DeclineEvent, _ reference: RecoveryReference, _ classification: Classification,
        _ message: IncomingMessage
    ) -> StageOutcome {
        switch telling {
        case .tell(let result):
            return StageOutcome(
                publishing: result.messages(reply: reply(of: message), traceparent: message.traceparent),
                entry: entry(
                    of: event, reference, .told(result.kind, reason: result.reason.code),
                    unmapped: classification.isUnknown ? event.decline : nil,
                    verdict: DeclineVerdict(declineClass: classification.declineClass, rule: classification.rule),
                    classification: classification
                ).telling(result))
        case .again(let record): return again(record, event, reference, message)
        case .underWay(let other):
            // An earlier copy went another way and may have been sent: its own message tells the end.
            var entry = entry(of: event, reference, .ignored(StageOutcome.Kind.underWay))
            entry.other = other
            return StageOutcome(publishing: [], entry: entry)
        case .hold: return hold(event, reference)
        }
    }

    private func again(_ record: ClaimRecord, _ event: DeclineEvent, _ reference: RecoveryReference, _ message: IncomingMessage)
        -> StageOutcome
    {
        StageOutcome(
            again: record, reply: reply(of: message), traceparent: message.traceparent, entry: entry(of: event, reference, record.fate))
    }

    /// Nothing can be claimed or read now: the message goes to the end of its queue.
    private func hold(_ event: DeclineEvent, _ reference: RecoveryReference) -> StageOutcome {
        StageOutcome(
            publishing: [], onward: .again(.intake), pause: ClaimWait.delay,
            entry: entry(of: event, reference, .parked(ClaimWait.delay, because: ClaimWait.word)))
    }

    /// What tells one publication of an event from the next: the same text, card data removed, has the same.
    private func edition(of message: IncomingMessage) -> String {
        UUID5(namespace: Self.editions, name: String(decoding: CardDataGuard.identity(of: message.body), as: UTF8.self)).description
    }

    private static let editions = UUID5(high: 0x52b8_1f6e_c07d_4e93, low: 0x8a41_d95c_3e60_72fb)

    /// The retry stage cancels; a recovery itself waits in the delay ladder, where no command reaches it.
    private func pass(_ command: CancelCommand, _ message: IncomingMessage) async -> StageOutcome {
        let now = environment.now()
        guard let merchant = merchants.merchant(command.merchantID) else {
            return refuse(
                command, .unknownMerchant, letter: .unknownMerchant, fault: .unknownMerchant(command.merchantID), message)
        }
        var cancellations = Cancellation.all(of: command, merchant: merchant, now: now)
        var notices: [StageMessage] = []
        if case .rebill(let order, let purchase, let cycle) = command.target {
            let rebill = Debt(merchantID: merchant.id, orderID: order, purchaseID: purchase, billingCycle: cycle, chargeID: nil)
            // Those that run are cancelled, and what was told of others is told again, as if each were named by its reference; the command is
            // kept for all that the name can mean, whatever comes when they have ended.
            let given = Cancellation.time(of: command.time, takenIn: now)
            if await environment.claims.readAll(at: now) != nil,
                let meant = await environment.claims.retries(of: rebill, givenAt: given, takenIn: now, passingOver: true), !meant.isEmpty
            {
                notices = cancellations.map { $0.notice(message.traceparent) }
                cancellations = Cancellation.each(
                    of: meant, merchantID: merchant.id, commandID: command.id,
                    gateways: merchant.flexFactorGatewayIDs, since: now, time: command.time)
            }
        }
        if cancellations.isEmpty, command.reference == nil {
            return refuse(
                command, .invalidCommand, letter: .invalidEvent,
                fault: FieldError(
                    path: "$.data.recoveryReference",
                    message:
                        "missing; the configuration has no gateway that could have declined the rebill, so only the reference can name the recovery"
                ),
                message)
        }
        if cancellations.isEmpty {
            let answer = ResultEvent(
                subject: .command(id: command.id, command.reference), merchantID: command.merchantID, reason: .nothingToCancel(.cascade),
                occurredAt: now, origin: DeclineOrigin(eventID: command.id))
            return StageOutcome(
                publishing: answer.messages(reply: reply(of: message), traceparent: message.traceparent),
                entry: StageOutcome.JournalEntry(
                    merchantID: command.merchantID, reference: command.reference, fate: .told(answer.kind, reason: answer.reason.code)
                ).telling(answer))
        }
        return StageOutcome(
            publishing: notices + cancellations.map { $0.message(to: .stage(.retry), message.traceparent) },
            entry: StageOutcome.JournalEntry(
                merchantID: command.merchantID, reference: command.reference, fate: .passed(to: .retry)))
    }

    /// The retry stage refunds: it has the keys, and can wait.
    private func pass(_ command: RefundCommand, _ message: IncomingMessage) -> StageOutcome {
        let now = environment.now()
        guard let merchant = merchants.merchant(command.merchantID) else {
            let fault = FieldError.unknownMerchant(command.merchantID)
            let letter = letters.letter(
                message, because: .unknownMerchant, explanation: fault.message, faults: [fault],
                subject: DeadLetter.Subject(
                    merchantID: command.merchantID, reference: command.reference, orderID: command.reference.orderID), now: now)
            let result = ResultEvent(
                subject: .command(id: command.id, command.reference), merchantID: command.merchantID, reason: .rejected(.unknownMerchant),
                faults: [fault], occurredAt: now, origin: DeclineOrigin(eventID: command.id), edition: edition(of: message))
            return StageOutcome(
                publishing: result.messages(reply: reply(of: message), traceparent: message.traceparent) + [letter],
                entry: StageOutcome.JournalEntry(
                    merchantID: command.merchantID, reference: command.reference,
                    fate: .rejected(reason: ResultReason.Rejection.unknownMerchant.rawValue)))
        }
        let refund = Refund(command, gateways: merchant.flexFactorGatewayIDs, since: now)
        return StageOutcome(
            publishing: [refund.message(to: .stage(.retry), message.traceparent)],
            entry: StageOutcome.JournalEntry(
                merchantID: command.merchantID, reference: command.reference, fate: .passed(to: .retry), amount: command.amount))
    }

    private func reject(_ event: RejectedEvent, _ message: IncomingMessage) -> StageOutcome {
        let now = environment.now()
        let rejection: ResultReason.Rejection = event.hasCardData ? .cardDataInClear : event.isCommand ? .invalidCommand : .invalidEvent
        let faults = event.faults
        let letter = letters.letter(
            message, because: event.hasCardData ? .cardDataInClear : .invalidEvent,
            explanation: "The message has \(faults.count == 1 ? "a fault" : "\(faults.count) faults").", faults: faults,
            subject: DeadLetter.Subject(merchantID: event.merchantID, orderID: event.orderID), now: now)
        let entry = StageOutcome.JournalEntry(merchantID: event.merchantID, fate: .rejected(reason: rejection.rawValue))
        let reply = reply(of: message)
        // What has no id that can be told is called by its letter's, which is drawn from it: a repeat has the same. Without an order either
        // there is no telling what is rejected; the letter keeps it, and who waits knows by the correlation id.
        let name = event.orderID == nil && reply == nil ? nil : letter.messageID
        guard let id = event.eventID ?? tellableID(of: message) ?? name else {
            return StageOutcome(publishing: [letter], entry: entry)
        }
        let result = ResultEvent(
            subject: event.isCommand
                ? .command(id: id, orderID: event.orderID, event.orderType) : .event(id: id, orderID: event.orderID, event.orderType),
            merchantID: event.merchantID, reason: .rejected(rejection), faults: faults, occurredAt: now, origin: event.origin,
            edition: edition(of: message))
        return StageOutcome(publishing: result.messages(reply: reply, traceparent: message.traceparent) + [letter], entry: entry)
    }

    /// Whoever waits for an answer gets one, whatever was sent.
    private func answerUnreadable(_ error: JSONError, _ message: IncomingMessage) -> StageOutcome {
        let now = environment.now()
        guard let reply = reply(of: message) else {
            return letters.deadLetter(message, because: .unreadable, explanation: error.description, now: now)
        }
        let letter = letters.letter(message, because: .unreadable, explanation: error.description, now: now)
        let result = ResultEvent(
            subject: .event(id: tellableID(of: message) ?? letter.messageID, orderID: nil), merchantID: nil, reason: .rejected(.unreadable),
            faults: [FieldError(path: "$", message: error.description)], occurredAt: now, edition: letter.messageID)
        return StageOutcome(
            publishing: result.messages(reply: reply, traceparent: message.traceparent) + [letter],
            entry: StageOutcome.JournalEntry(fate: .rejected(reason: result.reason.code)))
    }

    /// The message's id, where it may be told back: an id can hold anything.
    private func tellableID(of message: IncomingMessage) -> String? {
        guard let id = message.messageID, !id.isEmpty, CardDataGuard.finding(in: id) == nil else { return nil }
        return id
    }

    /// A well-formed command that cannot be carried out as things are configured.
    private func refuse(
        _ command: CancelCommand, _ rejection: ResultReason.Rejection, letter reason: DeadLetterReason, fault: FieldError,
        _ message: IncomingMessage
    ) -> StageOutcome {
        let now = environment.now()
        let letter = letters.letter(
            message, because: reason, explanation: fault.message, faults: [fault],
            subject: DeadLetter.Subject(merchantID: command.merchantID, reference: command.reference, orderID: command.orderID), now: now)
        let result = ResultEvent(
            subject: .command(id: command.id, command.reference, orderID: command.orderID, command.orderType),
            merchantID: command.merchantID,
            reason: .rejected(rejection), faults: [fault], occurredAt: now, origin: DeclineOrigin(eventID: command.id),
            edition: edition(of: message))
        return StageOutcome(
            publishing: result.messages(reply: reply(of: message), traceparent: message.traceparent) + [letter],
            entry: StageOutcome.JournalEntry(
                merchantID: command.merchantID, reference: command.reference, fate: .rejected(reason: rejection.rawValue)))
    }

    /// A well-formed decline that cannot be worked on as things are configured.
    private func refuse(
        _ event: DeclineEvent, _ reference: RecoveryReference, _ rejection: ResultReason.Rejection, letter reason: DeadLetterReason,
        fault: FieldError, _ message: IncomingMessage
    ) -> StageOutcome {
        let now = environment.now()
        let letter = letters.letter(
            message, because: reason, explanation: fault.message, faults: [fault],
            subject: DeadLetter.Subject(merchantID: event.merchantID, reference: reference, orderID: event.order.id), now: now)
        let result = ResultEvent(
            subject: .recovery(reference, RecoveredOrder(event)), merchantID: event.merchantID, reason: .rejected(rejection),
            faults: [fault],
            amount: event.amount, occurredAt: now, origin: DeclineOrigin(event), edition: edition(of: message))
        return StageOutcome(
            publishing: result.messages(reply: reply(of: message), traceparent: message.traceparent) + [letter],
            entry: entry(of: event, reference, .rejected(reason: rejection.rawValue)))
    }

    private func wantsReply(_ message: IncomingMessage) -> Bool { message.replyTo?.isEmpty == false }

    /// Where the CRM waits for the answer. Neither a queue of ours nor just anybody's is a place for it.
    private func reply(of message: IncomingMessage) -> ReplyAddress? {
        guard let queue = message.replyTo, !queue.isEmpty, !environment.names.isOurs(queue), replies.allows(queue) else { return nil }
        // A card number is told to nobody, not even back to who sent it.
        return ReplyAddress(queue: queue, correlationID: message.correlationID.flatMap { CardDataGuard.finding(in: $0) == nil ? $0 : nil })
    }

    private func entry(
        of event: DeclineEvent, _ reference: RecoveryReference, _ fate: StageOutcome.Kind, gateway: GatewayID? = nil,
        unmapped: Decline? = nil,
        verdict: DeclineVerdict? = nil, classification: Classification? = nil
    ) -> StageOutcome.JournalEntry {
        var entry = StageOutcome.JournalEntry(
            merchantID: event.merchantID, reference: reference, gatewayID: gateway, fate: fate, declinedAt: event.declinedAt,
            unmapped: unmapped,
            rule: verdict?.rule, declineClass: verdict?.declineClass, amount: event.amount,
            declineCode: JournaledDecline.codeName(of: event.decline),
            classification: classification, decline: classification.map { JournaledDecline(event, $0) },
            notes: event.notes.map { "\($0.path): \($0.message)" })
        entry.isClockAhead = event.declinedAt > environment.now() + .seconds(5)
        return entry
    }
}

extension FieldError {
    /// The event or the command names a merchant whom the configuration does not have.
    static func unknownMerchant(_ id: MerchantID) -> FieldError {
        FieldError(path: "$.data.merchantId", message: "The configuration has no merchant \(id).\(id.spelling)")
    }
}
