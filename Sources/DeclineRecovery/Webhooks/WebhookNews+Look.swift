extension WebhookNews {
    /// What follows from the news before anybody was asked.
    package enum Step: Sendable, Equatable {
        /// Look the order up, and go on with `learned`.
        case look(FlexFactorOrderID)
        case ignore(Ignored)
        case distrust(Distrust)
    }

    /// What follows from the news and the order.
    package enum Outcome: Sendable, Equatable {
        case tell(RecoveryReference, ResultReason, Takings?)
        /// The order waits for its capture, and FlexFactor may void it before its recovery looks at it again.
        case capture(RecoveryReference, FlexFactorOrderID)
        /// Look again after that time.
        case wait(Moment.Span)
        case ignore(Ignored)
        case distrust(Distrust)
    }

    /// What was taken back, and whether something of the sale is left.
    package struct Takings: Sendable, Equatable {
        package let amount: Money?
        package let isPartial: Bool
        /// Known to be all of it: the debt is open again. What is neither is told as all of it, and may not be.
        package let isWhole: Bool
        /// In the sale's currency, so that it counts towards what is left of it.
        package let isInSaleCurrency: Bool
        /// What the amount may be, in minor units, where it is not known which: a command that asked for one of them knows.
        package let readings: [Int64]
        /// Of a part whose amount is not known: the least that it may be.
        package let least: Money?
        /// The amount is what a command asked for in whose place the news are told: the claims count that already.
        package let isAsked: Bool

        package init(
            amount: Money?, isPartial: Bool, isWhole: Bool, isInSaleCurrency: Bool = true, readings: [Int64] = [], least: Money? = nil,
            isAsked: Bool = false
        ) {
            self.amount = amount
            self.isPartial = isPartial
            self.isWhole = isWhole
            self.isInSaleCurrency = isInSaleCurrency
            self.readings = readings
            self.least = least
            self.isAsked = isAsked
        }

        /// What it counts in the claims; `nil` for what nobody can reckon with.
        package var counted: Money? { isInSaleCurrency ? (isAsked ? nil : amount) ?? least : nil }
    }

    package enum Ignored: String, Sendable, CaseIterable {
        /// The order is not one of ours.
        case foreignOrder = "foreign_order"
        /// The recovery itself asks FlexFactor and tells how it ended.
        case decidedByLook = "decided_by_look"
        /// The gateway's configuration wants no chargebacks.
        case chargebacksOff = "chargebacks_off"
        case informational
        /// The order is no longer as the list of orders showed it.
        case otherwiseNow = "otherwise_now"
        /// The CRM was told of all of it before.
        case toldBefore = "told_before"
        /// A challenge that was told as declined, and that nobody solved since.
        case unsolved
    }

    /// Why the news becomes a dead letter, and no result.
    package enum Distrust: String, Sendable, CaseIterable {
        case testMode = "News of test mode, for a gateway of production."
        case unknownOrder = "FlexFactor knows no order of that id on this gateway's account: nobody opened it."
        case unclaimed = "No worker has claimed the recovery that the reference names: nobody here opened that order."
        case otherOrder = "FlexFactor's order of that id belongs to another reference than the news says."
        case notPaid = "FlexFactor's order of that id shows no money taken."
        case unplaced = "Neither the news nor FlexFactor's order says to which recovery it belongs."
        case unnamed = "The news does not say which of FlexFactor's orders it is of, and no claim of its recovery names one."
        case otherAccount = "The reference names a merchant who has no gateway on this FlexFactor account."
        case orderOfAnother = "FlexFactor's order of that id names another account than this gateway's."
        case notSeen = "FlexFactor did not show the order in time."
        case anotherThanClaimed = "FlexFactor named another order for the recovery. See in its portal whose this is, and if it is paid."
        case anotherThanTold = "The CRM was told of another of FlexFactor's orders than the news is of."

        /// No order was seen that could say whose recovery it is.
        package var isOfNobody: Bool { [.testMode, .unplaced, .unnamed, .unknownOrder, .orderOfAnother, .notSeen].contains(self) }
    }

    /// Whether the CRM wants to hear of it: of chargebacks whose it is decides. What it does not want to hear of is known all the same.
    package func isWanted(by gateway: FlexFactorGateway?) -> Bool { event != .chargeback || gateway?.includeChargebacks == true }

    /// - Parameter order: what FlexFactor shows, of news that do not say whose recovery it is.
    /// - Parameter isToldPaid: the CRM was told that this order is paid, so nobody asks FlexFactor any more.
    package func step(gateway: FlexFactorGateway?, of order: FlexFactorOrder? = nil, isToldPaid: Bool = false) -> Step {
        if isForeign { return .ignore(.foreignOrder) }
        let reference = reference ?? order?.echo
        switch event {
        case .other: return .ignore(.informational)
        case .captureRequired:
            // All others capture what they are answered, or post it again.
            guard reference?.kind.isRetry == true, gateway?.mitMode == .managed, orderID != nil,
                !isTestMode || gateway?.isProduction != true
            else { return .ignore(.informational) }
        // It is nobody's.
        case .chargeback where reference == nil && order != nil && !isWanted(by: gateway): return .ignore(.chargebacksOff)
        case .cancelled, .expired:
            // A cascade answers by itself; a sync retry may post its order again.
            guard isToldPaid || reference?.kind.isRetry == true && gateway?.mitMode == .managed, orderID != nil else {
                return .ignore(.decidedByLook)
            }
        case .completed, .refunded, .chargeback: break
        }
        if isTestMode, gateway?.isProduction == true { return .distrust(.testMode) }
        guard let orderID else { return .distrust(reference == nil ? .unplaced : .unnamed) }
        return .look(orderID)
    }

    /// - Parameter isCancelRequested: whether the CRM's cancel command for the recovery is known.
    /// - Parameter owns: whether a reference can belong to this gateway's account.
    package func learned(
        _ answer: FlexFactorAnswer, isCancelRequested: Bool, now: Moment, timing: RecoveryTiming, owns: (RecoveryReference) -> Bool
    ) -> Outcome {
        let outcome = judged(answer, isCancelRequested, now, timing, owns)
        if isWatched { return watched(answer, outcome, now, timing) }
        // They say nothing of money: what cannot be placed is left to the recovery, if there is one.
        if event == .captureRequired, case .distrust = outcome { return .ignore(.informational) }
        return outcome
    }

    /// Each look comes after twice the time, as at a submitted order. Nothing is told but that the money was taken.
    private func watched(_ answer: FlexFactorAnswer, _ outcome: Outcome, _ now: Moment, _ timing: RecoveryTiming) -> Outcome {
        if case .tell(let reference, _, _) = outcome { return .tell(reference, .approved(.polled), nil) }
        let age = now - receivedAt
        // Who is not answered at the end is asked for as long again.
        var isOver = age.milliseconds >= 2 * timing.reconcileFor.milliseconds
        if case .found(let order) = answer { isOver = isOver || order.state == .cancelled || age >= timing.reconcileFor }
        if isOver { return .ignore(.unsolved) }
        return .wait(max(timing.settle, min(age, timing.longestPoll), answer.retryAfter))
    }

    private func judged(
        _ answer: FlexFactorAnswer, _ isCancelRequested: Bool, _ now: Moment, _ timing: RecoveryTiming, _ owns: (RecoveryReference) -> Bool
    ) -> Outcome {
        switch answer {
        case .found(let order): return found(order, isCancelRequested, now, timing, owns)
        // It may show a moment later than it is told.
        case .noSuchOrder: return looks == 0 ? .wait(timing.settle) : .distrust(.unknownOrder)
        case .failed(.unknown(.otherAccount)): return .distrust(.orderOfAnother)
        default: return again(now, timing, .notSeen, atLeast: answer.retryAfter)
        }
    }

    private func found(
        _ order: FlexFactorOrder, _ isCancelRequested: Bool, _ now: Moment, _ timing: RecoveryTiming, _ owns: (RecoveryReference) -> Bool
    ) -> Outcome {
        if let reference, let echo = order.echo, echo != reference { return .distrust(.otherOrder) }
        guard let reference = reference ?? order.echo else { return .distrust(.unplaced) }
        guard owns(reference) else { return .distrust(.otherAccount) }
        let isPaid = [.completed, .returned, .chargeback].contains(order.state)
        if isListed, order.state != (event == .chargeback ? .chargeback : .returned) { return .ignore(.otherwiseNow) }
        switch event {
        case .completed: return isPaid ? .tell(reference, .approved(.notified), nil) : again(now, timing, .notPaid)
        case .cancelled, .expired:
            if isPaid { return .tell(reference, .approved(.polled), nil) }
            guard order.state == .cancelled else { return .ignore(.decidedByLook) }
            if !hasWaited { return .wait(timing.settle) }
            return .tell(reference, isCancelRequested ? .cancelled : .expired(event == .expired ? .atExpiry : .closed), nil)
        case .refunded:
            return isPaid ? .tell(reference, .refunded, takings(order)) : again(now, timing, .notPaid)
        case .chargeback: return isPaid ? .tell(reference, .chargeback, takings(order)) : again(now, timing, .notPaid)
        case .captureRequired:
            if isPaid { return .tell(reference, .approved(.polled), nil) }
            guard order.state == .captureRequired, !isCancelRequested, now < receivedAt + timing.reconcileFor else {
                return .ignore(.decidedByLook)
            }
            // A recovery captures by itself what it is answered, and has a moment for it.
            return looks == 0 ? .wait(.seconds(10)) : .capture(reference, order.id)
        case .other: return .ignore(.informational)
        }
    }

    /// A part is a part where its amount is known and is less than the sale, though nothing be left by now: the rest has news of its own. All
    /// else takes the sale back.
    private func takings(_ order: FlexFactorOrder) -> Takings {
        // Cents and yen are not compared.
        let isInSaleCurrency = currency == nil || order.currency == nil || currency == order.currency
        let scaled = isInSaleCurrency ? otherReading(order) : nil
        let known = scaled == nil ? minorUnits(in: order.currency) : nil
        func money(_ units: Int64) -> Money? { (currency ?? order.currency).map { Money(minorUnits: units, currency: $0) } }
        let amount = known.flatMap(money)
        // Whichever it is, it is less than the sale, and something of that is left.
        let isPartAnyway = event == .refunded && order.state != .returned && scaled.map { $0 < order.minorUnits ?? $0 } == true
        let least = isPartAnyway ? minorUnits.flatMap(money) : nil
        let units = isInSaleCurrency ? known : nil
        let isAll = units.flatMap { units in order.minorUnits.map { units >= $0 } }
        // Of an amount that nobody knows only the order says that it is all; and a dispute may be about a part.
        let isWhole = isAll ?? (order.state == .returned)
        let isPartial =
            least != nil || isAll == false || event == .refunded && isAll == nil && order.state == .completed && units != nil
        return Takings(
            amount: amount, isPartial: isPartial, isWhole: isWhole, isInSaleCurrency: isInSaleCurrency,
            readings: scaled.flatMap { scaled in minorUnits.map { [$0, scaled] } } ?? [], least: least)
    }

    /// The same where it is told in the place of a command: the news do not say how much went back, and that says what it asked for. That this is
    /// all of it the order has to show.
    ///
    /// - Parameter units: what the command asked for, in the sale's currency.
    /// - Parameter most: where it may be another command: the most that one asked for. No amount is told then.
    package func takings(_ order: FlexFactorOrder, asked units: Int64, most: Int64?, instead takings: Takings) -> Takings {
        let known = WebhookNews(
            merchantID: merchantID, gatewayID: gatewayID, event: event, reference: reference, orderID: orderID, minorUnits: most ?? units,
            currency: order.currency, receivedAt: receivedAt
        ).takings(order)
        return Takings(
            amount: most == nil ? known.amount : nil, isPartial: known.isPartial,
            isWhole: known.isWhole && most == nil && order.state == .returned, isInSaleCurrency: takings.isInSaleCurrency,
            readings: takings.readings, least: takings.least, isAsked: true)
    }

    /// A number with a fraction was read in hundreds where the news name no currency: it is of the order's, which may count otherwise.
    package func minorUnits(in orders: Currency?) -> Int64? {
        guard let minorUnits, let orders, currency == nil, !isBare else { return minorUnits }
        guard let scaled = Self.scaled(minorUnits, by: orders.fractionDigits), scaled % 100 == 0 else { return nil }
        return scaled / 100
    }

    /// What a whole number comes to as the currency's units, where that can be as well: no more goes back than was taken.
    private func otherReading(_ order: FlexFactorOrder) -> Int64? {
        let digits = (currency ?? order.currency)?.fractionDigits ?? 2
        guard isBare, digits > 0, let minorUnits, let whole = order.minorUnits, let scaled = Self.scaled(minorUnits, by: digits) else {
            return nil
        }
        return scaled <= whole ? scaled : nil
    }

    /// A number with so many zeros behind it; `nil` for what nobody can count.
    private static func scaled(_ number: Int64, by digits: Int) -> Int64? {
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let (scaled, isTooMuch) = number.multipliedReportingOverflow(by: scale)
        return isTooMuch ? nil : scaled
    }

    private func again(_ now: Moment, _ timing: RecoveryTiming, _ why: Distrust, atLeast least: Moment.Span = .seconds(0)) -> Outcome {
        if now >= receivedAt + timing.reconcileFor { return .distrust(why) }
        return .wait(max(.doubling(looks), least))
    }
}
