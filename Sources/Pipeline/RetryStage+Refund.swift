import DeclineRecovery

/// The CRM's refunds, which the retry stage carries out: it has the keys, and time.
extension RetryStage {
    func refund(_ message: IncomingMessage) async -> StageOutcome {
        var refund: Refund
        switch Refund.decode(message.body) {
        case .success(let read): refund = read
        case .failure(let fault):
            return letters.deadLetter(message, because: .unexpectedType, explanation: fault.description, now: environment.now())
        }
        refund.pickUp(redelivered: message.redelivered)
        var isRecalled = await recall(&refund)
        if isRecalled, refund.isLooking, refund.sale == nil || refund.objection != nil {
            // What is known here may be late; what stands before a claim that was read back is not.
            guard await environment.claims.claim(request(refund.claim(.unsent(round: 0)), of: refund)) != nil else {
                return hold(refund, message)
            }
            isRecalled = await recall(&refund)
        }
        if !isRecalled, refund.isLooking { return hold(refund, message) }
        if let stop = refund.objection { return await finish(refund, stop, message) }
        var sent = environment.claims.sentBy(refund.command.reference, merchant: refund.command.merchantID)
        if let sent { refund.place(at: flexFactor.gateways(of: sent, among: refund.gateways, merchant: refund.command.merchantID)) }
        // How long what was claimed may be acted on.
        var goodUntil = ContinuousClock.now
        while let (call, gateway) = refund.nextCall {
            if let claim = refund.claim {
                // The claims decide, whatever the broker says: two copies of a command are one refund.
                let claimed = await environment.claims.claim(request(claim, of: refund))
                if let claimed { goodUntil = claimed.goodUntil }
                switch claimed?.verdict {
                case .granted(let isAlone, _)? where claimed?.isStale == false:
                    // What was known here before may have been late; all that stands before the claim was read by now.
                    guard await recall(&refund) else {
                        _ = await environment.claims.claim(request(refund.claim(.unsent(round: refund.round)), of: refund))
                        return hold(refund, message)
                    }
                    sent = environment.claims.sentBy(refund.command.reference, merchant: refund.command.merchantID)
                    var stop = refund.granted()
                    if stop == nil, !isAlone { stop = refund.isBesideAnother(now: environment.now(), timing: environment.timing) }
                    if let stop {
                        _ = await environment.claims.claim(request(refund.claim(.unsent(round: refund.round)), of: refund))
                        return await finish(refund, stop, message)
                    }
                case .granted?:
                    _ = await environment.claims.claim(request(refund.claim(.unsent(round: refund.round)), of: refund))
                    return hold(refund, message)
                case .told(let record, _)?: return again(record, refund, message)
                case .mayBeCharged?, .askedTooEarly?, .inRecovery?, .otherForm?, .recovered?, .nextPost?:
                    let stop = refund.isSentByAnother(redelivered: message.redelivered, now: environment.now(), timing: environment.timing)
                    return await finish(refund, stop, message)
                case nil: return hold(refund, message)
                }
            }
            let isRefund = if case .refund = call { true } else { false }
            let answer = await flexFactor.perform(
                call, about: sent, merchant: refund.command.merchantID, gateway: gateway, traceparent: message.traceparent,
                deadline: environment.now() + environment.callLimit, writtenBy: isRefund ? goodUntil : nil)
            if isRefund, answer.hasNotArrived {
                _ = await environment.claims.claim(request(refund.claim(.unsent(round: refund.round)), of: refund))
            }
            if let stop = refund.learned(answer, now: environment.now(), timing: environment.timing) {
                return await finish(refund, stop, message)
            }
        }
        let fault = FieldError(path: "order", message: "The merchant has no FlexFactor gateway.")
        return await finish(refund, .tell(.refundFailed, amount: refund.command.amount, .unknown, nil, [fault]), message)
    }

    /// - Returns: whether it could be seen what was told.
    private func recall(_ refund: inout Refund) async -> Bool {
        let command = refund.command
        let told = await environment.claims.told(of: command.reference, merchant: command.merchantID)
        let first = await environment.claims.first(of: command.reference, merchant: command.merchantID)
        let (amount, order) = (first?.saleAmount, first?.order)
        let back = recallBack(&refund)
        switch told {
        case .told(let record):
            refund.sale = Refund.Sale(
                isApproved: record.claim.act.telling == .approved, orderID: record.flexFactorOrderID, amount: amount ?? record.claim.amount,
                refunded: back?.refunded ?? 0, order: order)
        case .notYet: refund.sale = Refund.Sale(isApproved: false, orderID: nil, amount: amount, order: order)
        case .unknown: refund.sale = nil
        case .unreadable(let kind):
            // What stays unread for so long has left the stream; of what kind it was is still known.
            guard refund.isOver(environment.now(), environment.timing) else { return false }
            refund.sale = Refund.Sale(
                isApproved: kind == .approved, orderID: nil, amount: amount, refunded: back?.refunded ?? 0, order: order)
        }
        return true
    }

    /// What was told of money that went back, as far as it is known here.
    @discardableResult
    private func recallBack(_ refund: inout Refund) -> ClaimBook.Standing.MoneyBack? {
        let back = environment.claims.standing(of: refund.command.reference, merchant: refund.command.merchantID)?.back
        refund.back = Refund.Back(
            isAll: back?.isAll ?? false, disputed: back.map(\.disputed) ?? 0, isListed: back?.isListed ?? false, askers: back?.askers ?? 0,
            asked: back.map(\.asked) ?? 0, isRefundedAsked: back?.isRefundedAsked ?? false)
        refund.sale?.refunded = back?.refunded ?? 0
        return back
    }

    private func request(_ claim: MoneyBackClaim, of refund: Refund, telling result: ResultEvent? = nil) -> ClaimRequest {
        ClaimRequest(
            merchantID: refund.command.merchantID, reference: refund.command.reference, debt: nil, amount: refund.amount,
            act: .moneyBack(claim),
            until: environment.now() + Claim.longestMemory, result: result)
    }

    private func handled(_ refund: Refund, _ publishing: [StageMessage], _ fate: StageOutcome.Kind) -> StageOutcome {
        StageOutcome(publishing: publishing, entry: entry(of: refund, fate))
    }

    private func entry(of refund: Refund, _ fate: StageOutcome.Kind) -> StageOutcome.JournalEntry {
        StageOutcome.JournalEntry(
            merchantID: refund.command.merchantID, reference: refund.command.reference, gatewayID: refund.gateways.first, fate: fate,
            attempts: refund.attempts)
    }

    private func park(_ refund: Refund, for delay: Moment.Span, _ message: IncomingMessage, because why: String) -> StageOutcome {
        handled(refund, [refund.message(to: .delayed(.retry, delay), message.traceparent)], .parked(delay, because: why))
    }

    private func hold(_ refund: Refund, _ message: IncomingMessage) -> StageOutcome {
        park(refund, for: ClaimWait.delay, message, because: ClaimWait.word)
    }

    private func again(_ record: ClaimRecord, _ refund: Refund, _ message: IncomingMessage) -> StageOutcome {
        StageOutcome(again: record, traceparent: message.traceparent, entry: entry(of: refund, record.fate))
    }

    private func finish(_ refund: Refund, _ stop: Refund.Stop, _ message: IncomingMessage) async -> StageOutcome {
        let now = environment.now()
        let command = refund.command
        switch stop {
        case .park(let until): return park(refund, for: until - now, message, because: "refund " + refund.phase.word)
        case .advance: return handled(refund, [refund.message(to: .stage(.retry), message.traceparent)], .passed(to: .retry))
        case .tell(let reason, let amount, let extent, let orderID, let faults):
            let result = ResultEvent(
                subject: .recovery(command.reference, refund.sale?.order ?? RecoveredOrder(command.reference)),
                merchantID: command.merchantID, reason: reason, faults: faults,
                gatewayID: refund.gateways.first, flexFactorOrderID: orderID, amount: amount, attempts: refund.attempts, occurredAt: now,
                origin: DeclineOrigin(eventID: command.id), distinction: "command:" + command.name,
                isPartial: extent == .part || extent == .rest)
            let claim = refund.claim(.told(reason.kind, round: refund.ownRound, isWhole: extent == .whole || extent == .rest))
            switch await environment.claims.claim(request(claim, of: refund, telling: result))?.verdict {
            case .granted?:
                return StageOutcome(
                    publishing: result.messages(reply: nil, traceparent: message.traceparent),
                    entry: entry(of: refund, .told(result.kind, reason: reason.code)).telling(result))
            case .told(let record, _)?: return again(record, refund, message)
            // Another copy of the command has asked for it, and tells what comes of it; unless it has come to nothing itself.
            case .mayBeCharged?, .askedTooEarly?, .inRecovery?, .otherForm?, .recovered?, .nextPost?:
                if refund.isOver(now, environment.timing) { return await finish(refund, .giveUp, message) }
                return park(refund, for: ClaimWait.delay, message, because: "refund under way")
            case nil: return hold(refund, message)
            }
        case .giveUp:
            // The webhook may have told it meanwhile, or another copy of the command.
            switch await environment.claims.claim(request(refund.claim(.unsent(round: 0)), of: refund))?.verdict {
            case .told(let record, _)?: return again(record, refund, message)
            case nil: return hold(refund, message)
            default: break
            }
            return letters.deadLetter(
                message, because: .refundUnknown,
                explanation: "FlexFactor did not say whether it gave the money back, and a repeat could give it twice.",
                subject: DeadLetter.Subject(
                    merchantID: command.merchantID, reference: command.reference, orderID: command.reference.orderID),
                attempts: refund.attempts, now: now)
        }
    }
}

extension FlexFactorAnswer {
    /// No byte of the request counts for anything.
    fileprivate var hasNotArrived: Bool {
        switch self {
        case .failed(.notSent), .failed(.throttled): true
        default: false
        }
    }
}

extension Refund {
    func message(to destination: StageMessage.Destination, _ traceparent: String?) -> StageMessage {
        var message = StageMessage(
            to: destination, messageID: messageID, type: Self.type, traceparent: traceparent,
            body: encoded())
        message.share = StageMessage.Share(command.merchantID, gateways.first)
        return message
    }
}
