package import DeclineRecovery
package import JSON
package import Pipeline

/// What it costs not to act on a letter: what is at stake, until when anything can be done about it, and who waits.
package struct LetterStakes: Sendable, Equatable {
    package let amount: Money?
    package let money: Whereabouts
    /// Until then FlexFactor can be asked to charge it; `nil` where no time ends that, or nothing is to be charged.
    package let until: Moment?
    /// Somebody stands at the checkout.
    package let customerWaits: Bool
    /// In the order in which one would ask.
    package let sentences: [String]

    /// Where the money is.
    package enum Whereabouts: String, Sendable, CaseIterable {
        /// Nothing was taken for this message.
        case untouched
        case mayBeTaken = "may_be_taken"
        case taken
        /// It was taken, and may have been given back.
        case mayBeReturned = "may_be_returned"
    }

    /// - Parameter merchants: `nil` where no configuration is at hand.
    package init(_ letter: DeadLetter, merchants: (any MerchantDirectory)?, now: Moment) {
        let about = About(letter, merchants)
        amount = about.amount
        let sum =
            about.amount.map { "\($0.currency) \(Money.decimal($0.minorUnits, $0.currency.code))" } ?? "An amount that cannot be read here"
        money =
            switch letter.reason {
            case _ where letter.handling == .reconcile: .mayBeTaken
            case .toldOtherwise: .taken
            case .refundUnknown: .mayBeReturned
            case _ where about.mayBeTaken: .mayBeTaken
            default: .untouched
            }
        until = money == .untouched ? about.until : nil
        customerWaits = about.isCascade && money == .untouched && until.map { now < $0 } ?? false
        var said: [String] = []
        switch money {
        case .mayBeTaken:
            said.append(
                "\(sum) may have been taken, and nobody knows. Until it is settled the customer may have paid for nothing, and the CRM cannot say."
            )
        case .taken:
            said.append(
                "\(sum) was taken after the CRM had been told otherwise. If the CRM charged as well, the customer pays twice until one of the two is refunded."
            )
        case .mayBeReturned:
            said.append("\(sum) was to be given back, and nobody knows whether it was. The customer may wait for it.")
        case .untouched: said += about.untouched(sum, now)
        }
        if customerWaits { said.append("A customer waits at the checkout for an answer.") }
        if letter.isForCRM { said.append("The CRM was told what is wrong, and may send it again by itself.") }
        if letter.needsCRMConsent { said.append("The CRM was told `skipped`, and may have charged it by its own rules since.") }
        sentences = said
    }

    package var json: JSONValue {
        .object(of: [
            (
                "amount",
                amount.map { .object(of: [("currency", .string($0.currency.code)), ("minorUnits", .integer($0.minorUnits))]) }
            ),
            ("money", .string(money.rawValue)), ("until", until.map { .integer($0.milliseconds) }),
            ("customerWaits", .bool(customerWaits)), ("sentences", .array(sentences.map { .string($0) })),
        ])
    }
}

/// What a letter's message is about, as far as it can be read.
private struct About {
    enum Work {
        case charge, cancel, refund, news, result, unknown
    }

    var work = Work.unknown
    var amount: Money?
    var until: Moment?
    var isCascade = false
    /// For how many days from the decline FlexFactor would take it on if it were sent now.
    var days: Int?
    /// Whether it could be tried as a rerun when its time is over.
    var mayBeRerun = false
    /// Whether a request of it may be out there, or nobody can read whether one is.
    var mayBeTaken = false

    init(_ letter: DeadLetter, _ merchants: (any MerchantDirectory)?) {
        let body = letter.original.redactedBody
        switch letter.stage {
        case .intake: take(event: body, merchants)
        case .cascade, .retry:
            if case .success(let refund) = Refund.decode(body) {
                (work, amount) = (.refund, refund.command.amount)
            } else if case .success = Cancellation.decode(body) {
                work = .cancel
            } else if case .recovery(let recovery) = WorkEnvelope.decode(body) {
                (work, amount, until) = (.charge, recovery.amount, recovery.chargingEnds)
                if case .cascade = recovery.route { isCascade = true }
                mayBeTaken = letter.reason == .unexpectedType && recovery.phase.mayBeCharged
            } else {
                mayBeTaken = letter.reason == .unexpectedType
            }
        case .outcomes: work = .news
        case .unrouted: work = .result
        case .suspects, .held: break
        }
        if amount == nil { amount = Self.amount(in: letter.original.json) }
    }

    private mutating func take(event body: [UInt8], _ merchants: (any MerchantDirectory)?) {
        switch CRMMessage.decode(body) {
        case .decline(let event):
            (work, amount) = (.charge, event.amount)
            let merchant = merchants?.merchant(event.merchantID)
            switch event.trigger {
            case .initial:
                isCascade = true
                until = merchant.map { event.declinedAt + $0.policy.cascadeDeadline }
                mayBeRerun = true
            default: days = merchant?.flexFactorGateways.values.map(\.expiryDays).max()
            }
        case .cancel: work = .cancel
        case .refund(let command): (work, amount) = (.refund, command.amount)
        case .rejected, .unreadable: work = .charge
        }
    }

    /// Of a message with faults, where its amount has none.
    private static func amount(in json: JSONValue?) -> Money? {
        guard let data = json?["data"], let amount = data["amount"] ?? data["charge"]?["amount"],
            let units = amount["minorUnits"]?.int64, Money.plausible.contains(units),
            let currency = amount["currency"]?.string.flatMap(Currency.init)
        else { return nil }
        return Money(minorUnits: units, currency: currency)
    }

    /// What is lost where no money was moved.
    func untouched(_ sum: String, _ now: Moment) -> [String] {
        switch work {
        case .cancel: return ["The CRM wants it stopped, and it is not: FlexFactor may still charge the customer."]
        case .refund: return ["\(sum) was to be given back, and was not. The customer waits for it."]
        case .news:
            return [
                "News of FlexFactor's were not believed, and nobody was told. Where they are true, the CRM learns of it later or not at all."
            ]
        case .result: return ["A result reached nobody: the CRM does not know how it ended."]
        case .charge, .unknown:
            var said = ["\(sum) was not charged for this message: it is lost as a sale unless somebody acts."]
            if let until, now >= until {
                said.append(
                    mayBeRerun
                        ? "As an instant decline its time is over: as it is it would only be skipped. As a rerun it can still be tried."
                        : "Its time is over: FlexFactor would only be asked what became of it, and nothing charged.")
            } else if let until {
                said.append("FlexFactor can be asked until \(until.rfc3339).")
            } else if let days {
                said.append("FlexFactor would take it on for \(days) days from the decline, and for half of them at least.")
            }
            return said
        }
    }
}
