import DeclineRecovery

/// Hands reruns and rebills to FlexFactor, looks after them until they end, and carries out the CRM's cancel commands.
package struct RetryStage: Sendable {
    let environment: StageEnvironment
    let flexFactor: any FlexFactorPort
    let letters: LetterWriter
    private let cancels: any CancelDirectory
    private let runner: RecoveryRunner

    package init(in environment: StageEnvironment, flexFactor: any FlexFactorPort, cancels: any CancelDirectory) {
        self.environment = environment
        self.flexFactor = flexFactor
        self.cancels = cancels
        letters = environment.letters(of: .retry)
        runner = RecoveryRunner(.retry, in: environment, flexFactor: flexFactor)
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        if message.type == Cancellation.type { return await cancel(message) }
        if message.type == Refund.type { return await refund(message) }
        var pickedUp: Recovery?
        let outcome = await runner.handle(
            message, belongs: { if case .retry = $0 { true } else { false } },
            pickUp: {
                $0.pickUp(
                    redelivered: message.redelivered && $0.reference.tag == nil,
                    isCancelRequested: cancels.isCancelRequested($0))
                pickedUp = $0
            })
        guard let pickedUp, !pickedUp.isCancelRequested,
            environment.claims.standing(of: pickedUp.reference, merchant: pickedUp.merchantID)?.isWaiting == true,
            cancels.isCancelRequested(pickedUp)
        else { return outcome }
        // The command came while FlexFactor was asked, and found nothing that waits.
        return outcome.goingOnAtOnce()
    }

    private func cancel(_ message: IncomingMessage) async -> StageOutcome {
        var cancellation: Cancellation
        switch Cancellation.decode(message.body) {
        case .success(let read): cancellation = read
        case .failure(let fault):
            return letters.deadLetter(message, because: .unexpectedType, explanation: fault.description, now: environment.now())
        }
        if let stop = cancellation.begin() { return await finish(cancellation, stop, message) }
        // Of what waits FlexFactor has nothing: it is not asked, and may be away.
        if cancellation.isLooking, let ended = await endWaiting(&cancellation, message) { return ended }
        var goodUntil: ContinuousClock.Instant?
        if cancellation.isCancelling {
            // Another worker may have told it as paid.
            goodUntil = await environment.claims.readAll(at: environment.now())
            if goodUntil == nil { return await waitToRead(cancellation, message) }
        }
        let sent = environment.claims.sentBy(cancellation.reference, merchant: cancellation.merchantID)
        if let sent {
            cancellation.place(at: flexFactor.gateways(of: sent, among: cancellation.gateways, merchant: cancellation.merchantID))
        }
        switch await environment.claims.told(of: cancellation.reference, merchant: cancellation.merchantID) {
        case .told(let record):
            if let kind = record.claim.act.telling, cancellation.hears(kind, of: record.flexFactorOrderID) {
                return again(record, cancellation, message)
            }
        case .unreadable(.approved) where cancellation.mayCancel: return await waitToRead(cancellation, message)
        case .notYet:
            let standing = environment.claims.standing(of: cancellation.reference, merchant: cancellation.merchantID)
            cancellation.running = standing.map { $0.isAsking ? .asks : .rests }
        case .unreadable, .unknown: break
        }
        if cancellation.isBlind || cancellation.isSearching,
            let place = environment.claims.standing(of: cancellation.reference, merchant: cancellation.merchantID)?.namedAt
        {
            if let named = await environment.claims.record(at: place)?.claim, named.reference == cancellation.reference {
                cancellation.orderID = named.orderID
            } else if cancellation.isBlind || !cancellation.isUnseenForLong(environment.now()) {
                return await waitToRead(cancellation, message)
            }
        }
        while let (call, gateway) = cancellation.nextCall {
            let answer = await flexFactor.perform(
                call, about: sent, merchant: cancellation.merchantID, gateway: gateway, traceparent: message.traceparent,
                deadline: environment.now() + environment.callLimit, writtenBy: call.cancels ? goodUntil : nil)
            if let stop = cancellation.learned(answer, now: environment.now(), timing: environment.timing) {
                let failure: CallFailure? = if case .failed(let failure) = answer { failure } else { nil }
                return await finish(cancellation, stop, message, because: failure?.description)
            }
        }
        // The merchant has no gateway that could have the order.
        return await finish(cancellation, .end(.nothingToCancel), message)
    }

    private static let unreadable = "what the stream of claims says of its recovery cannot be read"

    /// What ended and cannot be read for so long, while all that is claimed can, has left the stream.
    private static let readingTime: Moment.Span = .minutes(5)

    /// What cannot be read for long is not asked for every few seconds.
    private func waitToRead(_ cancellation: Cancellation, _ message: IncomingMessage) async -> StageOutcome {
        let now = environment.now()
        let stop = cancellation.askAgain(now, environment.timing, after: ClaimWait.delay(after: now - cancellation.since))
        return await finish(cancellation, stop, message, because: Self.unreadable)
    }

    /// - Parameter cause: what keeps it from its end, where that is not the order as FlexFactor shows it.
    private func finish(
        _ cancellation: Cancellation, _ stop: Cancellation.Stop, _ message: IncomingMessage, because cause: String? = nil
    ) async -> StageOutcome {
        let now = environment.now()
        func handled(_ publishing: [StageMessage], _ fate: StageOutcome.Kind) -> StageOutcome {
            StageOutcome(publishing: publishing, entry: entry(of: cancellation, fate))
        }
        let subject = DeadLetter.Subject(of: cancellation)
        switch stop {
        case .park(let until):
            let delay = until - now
            return handled([cancellation.message(to: .delayed(.retry, delay), message.traceparent)], .parked(delay, because: "cancelling"))
        case .announce:
            return handled(
                [cancellation.notice(message.traceparent), cancellation.message(to: .stage(.retry), message.traceparent)],
                .passed(to: .retry))
        case .advance: return handled([cancellation.message(to: .stage(.retry), message.traceparent)], .passed(to: .retry))
        case .tell(let reason, let orderID, let gateway):
            return await tell(reason, .known, orderID, by: gateway, cancellation, message)
                ?? handled([], .ignored("its recovery tells the end"))
        case .end(let why):
            // That nothing is known says who has read all.
            guard await environment.claims.readAll(at: now) != nil else { return await waitToRead(cancellation, message) }
            // The recovery may have heard of the command, or of the money, while FlexFactor was asked, and have ended by it.
            if let record = await toldEnd(of: cancellation), why != .alreadyClosed || record.claim.act.telling == .cancelled {
                return again(record, cancellation, message)
            }
            // It was put away while FlexFactor was asked, or this worker had not read that it was.
            var cancellation = cancellation
            if why == .nothingToCancel, let ended = await endWaiting(&cancellation, message) { return ended }
            // A rebill that was named without its gateway is one under several names, and is answered once: by what was found, or by one for all.
            if why == .nothingToCancel {
                if !cancellation.speaksForAll { return handled([], .ignored("answered under another name")) }
                var last = cancellation
                if last.letOthersFinish() {
                    return handled(
                        [last.message(to: .delayed(.retry, environment.timing.settle), message.traceparent)],
                        .parked(environment.timing.settle, because: "cancelling"))
                }
                if cancellation.others.contains(where: {
                    environment.claims.standing(of: $0, merchant: cancellation.merchantID)?.told?.kind.answersCancel == true
                }) {
                    return handled([], .ignored("answered under another name"))
                }
            }
            guard let meant = await meant(cancellation) else { return await waitToRead(cancellation, message) }
            if !meant.isEmpty {
                return handled(meant.map { $0.message(to: .stage(.retry), message.traceparent) }, .passed(to: .retry))
            }
            // What is known here is not told as unknown: it has heard of the command, and tells how it ends, or has told that.
            let standings = ([cancellation.reference] + cancellation.others).compactMap {
                environment.claims.standing(of: $0, merchant: cancellation.merchantID)
            }
            let end: CancelEnd =
                switch why {
                case .nothingToCancel where standings.contains(where: \.isUnderWay): .leftToRecovery
                case .nothingToCancel where standings.contains { $0.told != nil }: .alreadyClosed
                case .leftToRecovery where standings.contains { $0.told != nil } && !standings.contains(where: \.isUnderWay): .alreadyClosed
                default: why
                }
            // Its end was told, and FlexFactor, which shows the order as open, does not cancel it.
            if why == .leftToRecovery, end == .alreadyClosed, cancellation.orderID != nil {
                return letters.deadLetter(
                    message, because: .cancelFailed,
                    explanation:
                        "FlexFactor refuses to cancel an order that it shows as open, and its retry has ended. See to it in its portal, or send a new command.",
                    subject: subject, attempts: cancellation.attempts, now: now)
            }
            guard let command = cancellation.commandID else { return handled([], .ignored(end.rawValue)) }
            let answer = ResultEvent(
                subject: .command(id: command, cancellation.reference), merchantID: cancellation.merchantID, reason: .nothingToCancel(end),
                attempts: cancellation.attempts, occurredAt: now, origin: DeclineOrigin(eventID: command))
            return StageOutcome(
                publishing: answer.messages(reply: nil, traceparent: message.traceparent),
                entry: entry(of: cancellation, .told(answer.kind, reason: answer.reason.code)).telling(answer))
        case .giveUp:
            // Whoever told it as cancelled may have died before that was published. Beside an approval a person sees to what the cancel may
            // have voided, unless it was refused or never asked.
            if let record = await toldEnd(of: cancellation),
                cancellation.isLooking || cancellation.word == .refused || record.claim.act.telling == .cancelled
            {
                return again(record, cancellation, message)
            }
            var last = cancellation
            if last.word == nil, let ended = await endWaiting(&last, message) { return ended }
            let lack =
                cancellation.word == .accepted
                ? "FlexFactor accepted the cancel; whether it had taken the money before could not be seen in time"
                : "The command could not be carried out in time"
            return letters.deadLetter(
                message, because: .cancelFailed, explanation: "\(lack): \(cause ?? "FlexFactor does not show the order as closed").",
                subject: subject, attempts: cancellation.attempts, now: now)
        }
    }

    /// A retry that waits, of which FlexFactor has nothing, is over by the command: its own message may lie in the delay ladder for weeks. Whether
    /// nothing was sent the stream says, and by what is told there nobody sends it when it wakes.
    ///
    /// - Returns: `nil` where none waits, or it was sent meanwhile.
    private func endWaiting(_ cancellation: inout Cancellation, _ message: IncomingMessage) async -> StageOutcome? {
        // What older workers have in work they have not claimed.
        guard cancellation.reference.tag != nil,
            environment.claims.standing(of: cancellation.reference, merchant: cancellation.merchantID)?.isWaiting == true
        else { return nil }
        // What it is told of is said there.
        if await environment.claims.first(of: cancellation.reference, merchant: cancellation.merchantID) == nil,
            !cancellation.isUnseenForLong(environment.now()), case .park = cancellation.askAgain(environment.now(), environment.timing)
        {
            return await waitToRead(cancellation, message)
        }
        return await tell(.cancelled, .unsent, nil, by: nil, cancellation, message)
    }

    /// Tells how the recovery ended, or again what was told of it.
    ///
    /// - Returns: `nil` where its own message tells the end.
    private func tell(
        _ reason: ResultReason, _ basis: Claim.Basis, _ orderID: FlexFactorOrderID?, by gateway: GatewayID?, _ cancellation: Cancellation,
        _ message: IncomingMessage
    ) async -> StageOutcome? {
        let now = environment.now()
        let subject = DeadLetter.Subject(of: cancellation)
        let first = await environment.claims.first(of: cancellation.reference, merchant: cancellation.merchantID)
        let result = ResultEvent(
            subject: .recovery(cancellation.reference, first?.order ?? RecoveredOrder(cancellation.reference)),
            merchantID: cancellation.merchantID, reason: reason, verdict: first?.decline?.verdict,
            gatewayID: gateway ?? first?.decline?.gatewayID, flexFactorOrderID: orderID, amount: first?.saleAmount,
            attempts: cancellation.attempts, occurredAt: now, origin: first?.decline?.origin ?? DeclineOrigin())
        let telling = await Teller(claims: environment.claims).tell(
            result, basis, of: cancellation.reference, merchant: cancellation.merchantID, debt: nil, until: now + Claim.longestMemory)
        switch telling {
        case .tell(let result):
            let standing = environment.claims.standing(of: cancellation.reference, merchant: cancellation.merchantID)
            let letter = letters.contradiction(message, result, standing, subject: subject, now: now)
            let fate = StageOutcome.Kind.told(result.kind, reason: result.reason.code)
            return StageOutcome(
                publishing: result.messages(reply: nil, traceparent: message.traceparent) + (letter.map { [$0] } ?? []),
                entry: entry(of: cancellation, fate, gateway: gateway).telling(result))
        // How else it ended answers no command (`Cancellation.hears`).
        case .again(let record) where basis == .unsent && record.claim.act.telling?.answersCancel != true: return nil
        case .again(let record):
            // An accepted cancel may have voided what was told as paid, or another order of it be paid as well.
            let letter =
                letters.secondOrder(message, result, record, subject: subject, now: now)
                ?? letters.reversal(message, result, record, subject: subject, now: now)
            return again(record, cancellation, message).with(letter.map { [$0] } ?? [])
        // The decline runs in another form: that one is meant, by whichever name.
        case .underWay(let other?) where basis == .unsent && other.kind.isRetry && other != cancellation.reference:
            let passed = Cancellation.each(
                of: [other], merchantID: cancellation.merchantID, commandID: cancellation.commandID, gateways: cancellation.gateways,
                since: cancellation.since, time: cancellation.time)
            return StageOutcome(
                publishing: passed.map { $0.message(to: .stage(.retry), message.traceparent) },
                entry: entry(of: cancellation, .passed(to: .retry)))
        case .underWay: return nil
        case .hold:
            return StageOutcome(
                publishing: [cancellation.message(to: .delayed(.retry, ClaimWait.delay), message.traceparent)],
                entry: entry(of: cancellation, .parked(ClaimWait.delay, because: ClaimWait.word)))
        }
    }

    private func entry(
        of cancellation: Cancellation, _ fate: StageOutcome.Kind, gateway: GatewayID? = nil
    ) -> StageOutcome.JournalEntry {
        StageOutcome.JournalEntry(
            merchantID: cancellation.merchantID, reference: cancellation.reference, gatewayID: gateway, fate: fate,
            attempts: cancellation.attempts)
    }

    /// Answers the command by what was told of its recovery.
    private func again(_ record: ClaimRecord, _ cancellation: Cancellation, _ message: IncomingMessage) -> StageOutcome {
        let letter = letters.contradiction(
            message, record, environment.claims.standing(of: cancellation.reference, merchant: cancellation.merchantID),
            subject: DeadLetter.Subject(of: cancellation), now: environment.now())
        return StageOutcome(again: record, traceparent: message.traceparent, entry: entry(of: cancellation, record.fate))
            .with(letter.map { [$0] } ?? [])
    }

    /// What was told of the recovery, where it answers the command as well: nothing is left to cancel, and whether FlexFactor can be asked
    /// decides nothing any more.
    private func toldEnd(of cancellation: Cancellation) async -> ClaimRecord? {
        guard case .told(let record) = await environment.claims.told(of: cancellation.reference, merchant: cancellation.merchantID),
            record.claim.act.telling?.answersCancel == true
        else { return nil }
        return record
    }

    /// The recoveries that a command meant which named them by order, purchase and cycle, and came before they had begun or before it was known here
    /// what was told of them; `nil` where that cannot be read now.
    private func meant(_ cancellation: Cancellation) async -> [Cancellation]? {
        let named = cancellation.reference
        guard named.tag == nil, named.kind == .recurring, let subscription = named.subscription else { return [] }
        let rebill = Debt(
            merchantID: cancellation.merchantID, orderID: named.orderID, purchaseID: subscription.purchaseID, billingCycle: named.sequence,
            chargeID: nil)
        let isGone = environment.now() >= cancellation.since + Self.readingTime
        guard
            let meant = await environment.claims.retries(
                of: rebill, givenAt: cancellation.time, takenIn: cancellation.since, passingOver: isGone)
        else { return nil }
        return Cancellation.each(
            of: meant, merchantID: cancellation.merchantID, commandID: cancellation.commandID, gateways: cancellation.gateways,
            since: cancellation.since, time: cancellation.time)
    }
}

extension Cancellation {
    func message(to destination: StageMessage.Destination, _ traceparent: String?) -> StageMessage {
        var message = StageMessage(
            to: destination, messageID: reference.text + "/cancellation", type: Self.type, traceparent: traceparent, body: encoded())
        message.share = StageMessage.Share(merchantID, gateways.first)
        return message
    }

    /// What makes the command known to every pod.
    func notice(_ traceparent: String?) -> StageMessage {
        StageMessage(
            to: .cancels, messageID: reference.text + "/cancel", type: CancelNotice.type, traceparent: traceparent,
            body: CancelNotice(merchantID: merchantID, reference: reference, time: time).encoded())
    }
}

extension DeadLetter.Subject {
    fileprivate init(of cancellation: Cancellation) {
        self.init(merchantID: cancellation.merchantID, reference: cancellation.reference, orderID: cancellation.reference.orderID)
    }
}
