package import DeclineRecovery
package import JSON
import Synchronization

/// The orders that were not recovered although nobody had said no: FlexFactor could not be asked, or could not tell. What an outage cost.
///
/// Folded from the journal's records in their order. What was recovered after all, or ended by FlexFactor's word, is none of them any more; what
/// was taken up again is none while it goes on.
package struct LostOrders: Sendable {
    package struct Order: Sendable, Equatable {
        /// When it was lost first.
        package let at: Moment
        package let reference: RecoveryReference
        package let merchantID: MerchantID?
        package let gatewayID: GatewayID?
        package let amount: Money?
        /// Of the result, or of the letter, with which it ended.
        package fileprivate(set) var reason: String
        fileprivate var isTakenUp = false
    }

    package let window: Window
    /// By the reference of the recovery.
    private var lost: [String: Order] = [:]

    package init(_ window: Window) {
        self.window = window
    }

    /// Reasons of results that say of FlexFactor only that it was not heard.
    private static let unheard = Set(
        ([
            .skipped(.flexFactorUnavailable), .skipped(.deadlinePassed), .skipped(.gatewayMisconfigured), .declined(.reconciled),
            .expired(.neverArrived),
        ] as [ResultReason]).map(\.code))

    mutating func take(_ record: JournalRecord) {
        let key = record.reference.text
        switch record.step {
        case .begun, .goesOn: lost[key]?.isTakenUp = true
        case .fallen: lose(record, key, because: record.detail)
        case .told(let told):
            guard let kind = told.makesTrue, !kind.isMoneyBack else { return }
            if kind == .approved {
                lost[key] = nil
            } else if told.isAgain {
                return
            } else if let reason = record.reason, Self.unheard.contains(reason) {
                lose(record, key, because: reason)
            } else {
                lost[key] = nil
            }
        case .nothing: break
        }
    }

    private mutating func lose(_ record: JournalRecord, _ key: String, because reason: String) {
        if lost[key] != nil {
            lost[key]?.reason = reason
            lost[key]?.isTakenUp = false
        } else if window.holds(record) {
            lost[key] = Order(
                at: record.at, reference: record.reference, merchantID: record.merchantID, gatewayID: record.gatewayID,
                amount: record.amount, reason: reason)
        }
    }

    /// The first that was lost before the others.
    package var orders: [Order] {
        lost.values.filter { !$0.isTakenUp }.sorted { ($0.at.milliseconds, $0.reference.text) < ($1.at.milliseconds, $1.reference.text) }
    }

    /// How many were lost for each reason, the most frequent first.
    package var reasons: [(reason: String, count: Int)] {
        var counts: [String: Int] = [:]
        for order in orders { counts[order.reason, default: 0] += 1 }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    /// What a reason means, or what to do about its letters.
    package static func sentence(of reason: String) -> String {
        ResultReason(code: reason)?.sentence ?? DeadLetterReason(rawValue: reason)?.advice ?? ""
    }

    package var json: JSONValue {
        .object(of: [
            ("from", .integer(window.from.milliseconds)), ("until", .integer(window.until.milliseconds)),
            (
                "orders",
                .array(
                    orders.map { order in
                        .object(of: [
                            ("at", .integer(order.at.milliseconds)), ("recoveryReference", .string(order.reference.text)),
                            ("orderId", .string(order.reference.orderID)), ("merchantId", .text(order.merchantID?.text)),
                            ("gatewayId", .text(order.gatewayID?.text)), ("reason", .string(order.reason)),
                            ("minorUnits", order.amount.map { .integer($0.minorUnits) }),
                            ("currency", .text(order.amount?.currency.code)),
                        ])
                    })
            ),
        ])
    }

    /// Those that were lost in a time, as the journal tells it by now.
    package static func read(_ window: Window, in journal: any MessageStream) async throws(BrokerFailure) -> LostOrders {
        let found = Mutex(LostOrders(window))
        try await journal.readToEnd(from: .time(window.from)) { entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            found.withLock { found in for record in records { found.take(record) } }
        }
        return found.withLock { $0 }
    }
}

extension LostOrders {
    /// In what time, and whose.
    package struct Window: Sendable, Equatable {
        package let from: Moment
        /// The first moment behind it.
        package let until: Moment
        package let merchant: MerchantID?
        package let gateway: GatewayID?
        package let currency: String?

        /// The words of a report (`MoneyReport.Question`), of which `from` and `through` may be times as well.
        package init(_ words: [String: String], now: Moment) throws(MoneyReport.Question.Fault) {
            var words = words
            var times: [String: Moment] = [:]
            for name in ["from", "through"] {
                guard let text = words[name], text.utf8.count > 10 else { continue }
                guard let time = Moment(rfc3339: text) else {
                    throw MoneyReport.Question.Fault(
                        what: "\"\(text)\" is no time.", advice: "Write it as 2026-11-26T10:30:00Z, or a day as 2026-11-26.")
                }
                times[name] = time
                words[name] = MoneyReport.text(ofDay: time.day)
            }
            let question = try MoneyReport.Question(words, now: now)
            from = times["from"] ?? Moment(day: question.from)
            until = times["through"].map { $0 + .milliseconds(1) } ?? Moment(day: question.through + 1)
            (merchant, gateway, currency) = (question.merchant, question.gateway, question.currency)
            if from >= until {
                throw MoneyReport.Question.Fault(
                    what: "The time ends before it begins.", advice: "Give a `from` that is no later than `through`.")
            }
        }

        fileprivate func holds(_ record: JournalRecord) -> Bool {
            record.at >= from && record.at < until && (merchant == nil || record.merchantID == merchant)
                && (gateway == nil || record.gatewayID == gateway) && (currency == nil || record.amount?.currency.code == currency)
        }
    }
}
