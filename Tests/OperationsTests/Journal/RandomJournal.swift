import TestSupport

@testable import DeclineRecovery
@testable import Operations

/// A journal of months that a seed repeats: recoveries whose records lie hours and weeks apart, results told twice, corrected, refunded, letters
/// that are taken up again, clocks that are not alike.
struct RandomJournal {
    let records: [JournalRecord]

    private static let campaigns = ["spring", "autumn", nil]
    private static let currencies = [Currency.usd, Currency("EUR"), Currency("JPY")].compactMap { $0 }

    /// - Parameter isDisordered: whether some declines reach the stream behind their recoveries' ends, as where its broker refused them for a while.
    init(seed: UInt64, recoveries: Int = 120, days: Int64 = 110, isDisordered: Bool = false) {
        var random = SeededRandom(seed: seed)
        var found: [JournalRecord] = []
        for number in 0..<recoveries { found += Self.recovery(number, days, &random) }
        // As they reach the stream: of those of one minute none is known to be the first.
        var sorted = found.enumerated().sorted {
            ($0.element.at.milliseconds / 60_000, $0.offset) < ($1.element.at.milliseconds / 60_000, $1.offset)
        }
        .map(\.element)
        if isDisordered { Self.disorder(&sorted, &random) }
        records = sorted
    }

    private static func disorder(_ records: inout [JournalRecord], _ random: inout SeededRandom) {
        for reference in Set(records.map(\.reference.text)).sorted() where Int.random(in: 0..<4, using: &random) == 0 {
            let places = records.indices.filter { records[$0].reference.text == reference }
            let own = places.map { records[$0] }
            guard own.first?.fate == .passed, !own.contains(where: \.fate.isLetter),
                let end = own.firstIndex(where: { $0.fate == .told && ResultKind(rawValue: $0.detail)?.isFinal == true }), end > 0,
                own[end].at - own[0].at < .days(30)
            else { continue }
            let late = records.remove(at: places[0])
            // Behind its end, or behind a repeat of it as well.
            let isFar = own.count > end + 1 && own[end + 1].at - own[end].at < .days(20) && Bool.random(using: &random)
            records.insert(late, at: places[isFar ? end + 1 : end])
        }
    }

    /// As a stream has them.
    var messages: [StreamMessage] {
        records.enumerated().map { number, record in
            StreamMessage(offset: Int64(number), type: JournalRecord.type, messageID: nil, traceparent: nil, body: record.encoded())
        }
    }

    private static func recovery(_ number: Int, _ days: Int64, _ random: inout SeededRandom) -> [JournalRecord] {
        var at = Moment.in2026(Int64.random(in: 0..<days * 86_400, using: &random))
        let isRetry = Bool.random(using: &random)
        let reference = RecoveryReference(orderID: "O\(number)", kind: isRetry ? .rerun : .sale, sequence: isRetry ? 1 : 0)
        let merchant: MerchantID = Bool.random(using: &random) ? "acme" : "beta"
        let amount = Money(
            minorUnits: .random(in: 100...90_000, using: &random), currency: currencies.randomElement(using: &random) ?? .usd)
        let code = "nmi/\(Int.random(in: 200...204, using: &random))"
        let decline = JournaledDecline(
            source: "nmi", code: "201", gatewayID: "7", networkCode: nil, network: .visa, advice: nil, text: nil, textDigest: nil,
            crmClass: nil, orderType: .newSale, isCascade: !isRetry, confidence: .code,
            campaign: campaigns.randomElement(using: &random) ?? nil)
        var records: [JournalRecord] = []
        func add(
            _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, _ amount: Money? = nil, reason: String? = nil,
            until: Moment? = nil,
            becomes: ResultKind? = nil, result: String? = nil
        ) {
            let isIntake = stage == .intake
            records.append(
                JournalRecord(
                    at: at, stage: stage, merchantID: merchant, reference: reference, gatewayID: isIntake ? nil : "42", fate: fate,
                    detail: detail, reason: reason, rule: isIntake ? (code == "nmi/204" ? "unknown" : "table:\(code)") : nil, until: until,
                    attempts: 1, amount: amount, declineCode: isIntake ? code : nil, decline: isIntake ? decline : nil,
                    declinedAt: isIntake ? at : nil, becomes: becomes, resultID: result, workerID: "w"))
        }
        func later(_ seconds: Int64) { at = at + .seconds(.random(in: 0...seconds, using: &random)) }
        func sometimes(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

        if sometimes(5) {
            add(.intake, .told, "skipped", amount, reason: sometimes(2) ? "hard_decline" : "no_cascade")
            if sometimes(3) { add(.intake, .told, "skipped", amount, reason: "told_again") }
            return records
        }
        add(.intake, .passed, isRetry ? "retry" : "cascade", amount)
        if sometimes(6) { add(.intake, .passed, isRetry ? "retry" : "cascade", amount) }
        let stage: Stage = isRetry ? .retry : .cascade
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            later(isRetry ? 5 * 86_400 : 30)
            add(stage, .parked, sometimes(4) ? "unanswered" : "due", amount, until: at + .days(1))
        }
        if sometimes(6) {
            later(3_600)
            add(stage, .deadLettered, sometimes(2) ? "attempts_spent" : "outcome_unknown")
            if sometimes(2) { return records }
            later(86_400)
            add(stage, .parked, "due", amount, until: at + .days(1))
        }
        // Some stay open.
        if sometimes(8) { return records }
        later(isRetry ? 86_400 : 20)
        let kind: ResultKind = [.approved, .approved, .declined, .expired, .cancelled].randomElement(using: &random) ?? .approved
        let taken = sometimes(3) ? nil : sometimes(4) ? Money(minorUnits: amount.minorUnits / 2 + 1, currency: amount.currency) : amount
        add(stage, .told, kind.rawValue, taken)
        if sometimes(4) {
            // Longer than an end is remembered, but for what may be corrected.
            later((kind == .approved ? 40 : 30) * 86_400)
            add(.outcomes, .told, kind.rawValue, taken, reason: sometimes(2) ? "told_again" : nil)
        }
        if kind != .approved {
            guard sometimes(5) else { return records }
            later(86_400)
            add(.outcomes, .told, "correction", amount, becomes: .approved)
        }
        for round in 0..<Int.random(in: 0...2, using: &random) {
            later(60 * 86_400)
            let back = sometimes(3) ? nil : Money(minorUnits: .random(in: 1...amount.minorUnits, using: &random), currency: amount.currency)
            let word = sometimes(3) ? "chargeback" : "refunded"
            add(.outcomes, .told, word, back, result: "\(reference.text)/\(word)/\(round)")
            if sometimes(3) {
                later(86_400)
                add(.outcomes, .told, word, back, reason: "told_again", result: "\(reference.text)/\(word)/\(round)")
            }
        }
        return records
    }
}

/// All that a book says, so that two can be compared however they came about.
struct BookEssence: Equatable {
    private let sums: [Int32: [MoneyFacts: MoneySums]]
    private let open: [UInt64: FlowBook.Open]
    private let minutes: [Int64: FlowBook.Minute]
    private let lastWork: [Stage: Moment]
    private let counts: [Int]
    private let times: [Moment?]

    init(_ book: FlowBook) {
        sums = book.money.days.mapValues { cells in
            Dictionary(
                uniqueKeysWithValues: cells.compactMap { $0.value == MoneySums() ? nil : (book.money.facts[Int($0.key)], $0.value) })
        }.filter { !$0.value.isEmpty }
        (open, minutes, counts) = (book.open, book.minutes, book.counts)
        lastWork = book.lastWork
        times = [book.money.since, book.money.until]
    }
}

extension FlowBook {
    init(_ records: some Sequence<JournalRecord>) {
        self.init()
        for record in records { take(record) }
    }
}
