import ArgumentParser
import DeclineRecovery
import JSON
import Operations
import Service

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What was recovered, refunded and charged back, what was not offered and why, in money.",
        discussion: """
            Reads the journal, which keeps 90 days and no person's data, and where a console rolls it up the sums of 400 days. Days are UTC, both ends included. Currencies are kept apart, amounts
            are exact. FlexFactor's fee and the gain are told where the configuration names fees. What declines came to is counted on the day they were taken in; money on the day the CRM was told:

            \(MoneyFigure.allCases.map { "  \($0.title): \($0.meaning)" }.joined(separator: "\n"))

            Exit status 1 when the journal holds nothing of the time.

            With --lost: the orders that an outage cost. They were skipped for want of FlexFactor, ended without its answer, or became letters at a recovery's step,
            and were not recovered since; one for each line, with its reason. --from and --through may be times then.
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Flag(help: "List the orders that were not recovered although nobody had said no: what an outage cost.")
    var lost = false
    @Option(help: "The first day, e.g. 2026-11-01; with --lost a time as well, e.g. 2026-11-01T10:30:00Z.")
    var from: String?
    @Option(help: "The last day; today without it.")
    var through: String?
    @Option(help: "A whole month, e.g. 2026-11.")
    var month: String?
    @Option(help: "So many days that end with the last one; 30 without any of these.")
    var days: String?
    @Option(help: "Rows by: \(MoneyReport.Group.allCases.map(\.rawValue).joined(separator: ", ")); several with commas between.")
    var by: String?
    @Option(help: "Of this merchant alone.")
    var merchant: String?
    @Option(help: "Of this FlexFactor gateway alone.")
    var gateway: String?
    @Option(help: "Of this currency alone.")
    var currency: String?
    @Flag(help: "Print the rows as CSV (RFC 4180), amounts as decimals.")
    var csv = false
    @Flag(help: "Print all of it as JSON, amounts in minor units.")
    var json = false

    func validate() throws {
        try ValidationError.refuse(empty: [
            ("from", from), ("through", through), ("month", month), ("days", days), ("by", by), ("merchant", merchant),
            ("gateway", gateway), ("currency", currency),
        ])
        if csv, json { throw ValidationError("Give either --csv or --json.") }
        if lost, csv || by != nil { throw ValidationError("--lost lists single orders; leave out \(csv ? "--csv" : "--by").") }
    }

    func run() async throws {
        let words = [
            "from": from, "through": through, "month": month, "days": days, "by": by, "merchant": merchant, "gateway": gateway,
            "currency": currency,
        ].compactMapValues { $0 }
        if lost { return try await showLost(words) }
        let question: MoneyReport.Question
        do throws(MoneyReport.Question.Fault) {
            question = try MoneyReport.Question(words, now: SystemClock().now())
        } catch {
            throw Self.misuse(error)
        }
        let fees = try fees()
        let book = try await broker.withLink { link, settings in
            try await link.money(from: question.from, settings.names)
        }
        let report = MoneyReport(book, question, fees: fees ?? MoneyFees())
        if csv {
            Terminal.show(String(report.csv.dropLast(1)))
            // Cells that are empty here and full there need a word, those that always are none.
            if report.hasFees, let note = report.feeNote { Terminal.complain(Terminal.visible(note)) }
            // Beside the table, which stays one.
            if let reach = reach(of: book, question) { Terminal.complain(reach) }
        } else if json {
            Terminal.show(bytes: report.json(from: book.knownSince, asOf: book.until).bytes)
        } else {
            show(report, feeNote: fees == nil ? nil : report.feeNote)
            if !report.totals.isEmpty, let reach = reach(of: book, question) { Terminal.show(reach) }
        }
        if report.totals.isEmpty {
            let whose = [
                question.merchant.map { "merchant \($0)" }, question.gateway.map { "gateway \($0)" },
                question.currency.map { "currency \($0)" },
            ].compactMap { $0 }.joined(separator: ", ")
            Terminal.complain(
                "The journal holds nothing of \(whose.isEmpty ? "" : Terminal.visible(whose) + " from ")\(time(question))."
                    + (whose.isEmpty ? "" : " Without --merchant, --gateway and --currency all is counted."))
            throw ExitCode.failure
        }
    }

    private static func misuse(_ fault: MoneyReport.Question.Fault) -> ExitCode {
        ExitCode.misuse("\(Terminal.visible(fault.what)) \(fault.advice) `salvage report --help` says more.")
    }

    private func showLost(_ words: [String: String]) async throws {
        let window: LostOrders.Window
        do throws(MoneyReport.Question.Fault) {
            window = try LostOrders.Window(words, now: SystemClock().now())
        } catch {
            throw Self.misuse(error)
        }
        let lost = try await broker.withLink { link, settings in
            try await LostOrders.read(window, in: link.journal(settings.names))
        }
        LostReport(lost: lost).show(asJSON: json)
    }

    /// `nil`, and said so, where they cannot be known: a machine that has not all secrets of a configuration reports all the same, unless it is
    /// named.
    private func fees() throws -> MoneyFees? {
        do throws(ConfigurationError) {
            return MoneyFees(try config.configuration().map { Array($0.merchants.values) } ?? [])
        } catch {
            if config.file != nil { throw error }
            Terminal.complain("Fee and gain are not shown: \(error.file) is not read here; `salvage config check \(error.file)` says why.")
            return nil
        }
    }

    /// What of the time is not in the sums.
    private func reach(of book: MoneyBook, _ question: MoneyReport.Question) -> String? {
        guard let since = book.knownSince, since > Moment(day: question.from) else { return nil }
        return "Known from \(since.rfc3339) on: of what was before, nothing is in the sums."
    }

    private func time(_ question: MoneyReport.Question) -> String {
        "\(MoneyReport.text(ofDay: question.from)) to \(MoneyReport.text(ofDay: question.through)) (UTC)"
    }

    private func show(_ report: MoneyReport, feeNote: String?) {
        if report.totals.isEmpty { return }
        let groups = report.question.groups.map(\.rawValue)
        let rows = groups.isEmpty ? [] : report.rows
        Terminal.show("Money, \(time(report.question))")
        Terminal.show()
        // By reason the rest of a row is empty.
        let hasReasons = report.question.groups.contains(.reason)
        let reasonHeads = hasReasons ? ["not offered", "amount"] : []
        let outcomeHeads = ["recovered", "rate", "sales", "gross", "refunded", "charged back", "net"]
        let heads = ["currency", "declines", "offered"] + reasonHeads + outcomeHeads
        let feeHeads = report.hasFees ? ["fee", "gain"] : []
        Terminal.table(
            groups + heads + feeHeads + ["half within"],
            (rows + report.totals).map { row in
                let keys = row.keys.isEmpty && !groups.isEmpty ? ["all"] + groups.dropFirst().map { _ in "" } : row.keys
                return keys.map { $0.isEmpty ? "-" : $0 } + cells(row, hasFees: report.hasFees, hasReasons: hasReasons)
            })
        if let feeNote { Terminal.show(Terminal.visible(feeNote)) }
        if report.totals.contains(where: { $0.sums.unpriced > 0 }) {
            Terminal.show("Sales without an amount, of which nobody told it: \(report.totals.reduce(0) { $0 + $1.sums.unpriced }).")
        }
        guard !report.reasons.isEmpty else { return }
        Terminal.show()
        Terminal.show("Not offered, and why")
        Terminal.table(
            ["reason", "currency", "declines", "amount", "what it means"],
            report.reasons.map { reason in
                [
                    reason.word, reason.currency.isEmpty ? "-" : reason.currency, String(reason.part.count),
                    Money.decimal(reason.part.units, reason.currency), reason.sentence,
                ]
            })
        showUnknown(report)
    }

    /// What it costs that nobody has mapped them.
    private func showUnknown(_ report: MoneyReport) {
        guard !report.unknownCodes.isEmpty else { return }
        Terminal.show()
        Terminal.show("Codes that nobody knows (`salvage mapping gaps` has rules to paste)")
        Terminal.table(
            ["code", "currency", "declines", "amount"],
            report.unknownCodes.prefix(20).map { code in
                [code.word, code.currency, String(code.part.count), Money.decimal(code.part.units, code.currency)]
            })
        for currency in Set(report.unknownCodes.map(\.currency)).sorted() {
            guard let units = report.estimate(ofUnknown: currency) else { continue }
            Terminal.show(
                "Recovered like the offered ones they would have brought in about \(Money.decimal(units, currency)) \(currency): an estimate."
            )
        }
    }

    private func cells(_ row: MoneyReport.Row, hasFees: Bool, hasReasons: Bool) -> [String] {
        let (sums, currency) = (row.sums, row.currency)
        func amount(_ units: Int64) -> String { Money.decimal(units, currency) }
        let counted = [
            currency.isEmpty ? "-" : currency, String(sums.declines.count), String(sums.offered.count),
        ]
        let passedBy = hasReasons ? [String(sums.notOffered.count), amount(sums.notOffered.units)] : []
        let rest = [
            String(sums.recovered.count) + (sums.open.count > 0 ? " (+\(sums.open.count) open)" : ""),
            sums.offered.count > 0 ? "\((sums.recovered.count * 1_000 / sums.offered.count + 5) / 10) %" : "-", String(sums.sales.count),
            amount(sums.sales.units), amount(sums.refunded.units), amount(sums.chargedBack.units), amount(sums.net),
        ]
        let fees = hasFees ? [row.fee, row.gain].map { $0.map(amount) ?? "-" } : []
        let half = sums.times.seconds(ofHundred: 50).map { Moment.Span.seconds($0).inWords }
        return counted + passedBy + rest + fees + [half ?? "-"]
    }
}
