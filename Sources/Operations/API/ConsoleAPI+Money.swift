import DeclineRecovery
import JSON
import Pipeline

/// What was earned, by the one source that `salvage report` draws from too.
extension ConsoleAPI {
    /// Rows that a page shows; the file has all.
    private static let mostRows = 500

    private enum Format: String {
        case csv, json
        case unsaid = ""
    }

    func money(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        guard let format = Format(rawValue: request.query["format"] ?? "") else {
            throw .unexpected("format", request.query["format"], expected: "json or csv")
        }
        // A file does not say that what was journaled since is not in it.
        if format == .csv { try requireBroker() }
        let now = tools.clock.now()
        let question: MoneyReport.Question
        do throws(MoneyReport.Question.Fault) {
            question = try MoneyReport.Question(request.query, now: now)
        } catch {
            throw .badRequest(error.what, error.advice)
        }
        let fees = MoneyFees(merchants())
        // While it is still read, what is known of the last weeks is shown as it is.
        let isReady = flow.isReady.journal
        let isYoung = !isReady && question.from > now.day - FlowBook.days
        let known: (MoneyReport, Known)? = flow.look { book in
            isYoung || book.money.covers(question.from) ? (MoneyReport(book.money, question, fees: fees), Known(book.money)) : nil
        }
        let (report, reach) = if let known { known } else { try await read(question, fees, now) }
        if format == .csv { return .object(of: [("csv", .string(report.csv))]) }
        let isComplete = known == nil || isReady && store.broker.isConnected
        return report.json(from: reach.since, asOf: reach.until, isComplete: isComplete, limit: Self.mostRows)
    }

    /// From when on the sums are whole, and the time of the newest record in them.
    private struct Known {
        let since: Moment?
        let until: Moment?

        init(_ book: MoneyBook) { (since, until) = (book.knownSince, book.until) }
    }

    /// What is older than the console knows is read from the journal while somebody waits.
    private func read(_ question: MoneyReport.Question, _ fees: MoneyFees, _ now: Moment) async throws(ConsoleError) -> (
        MoneyReport, Known
    ) {
        try requireBroker()
        do throws(BrokerFailure) {
            let book = try await MoneyBook.read(from: question.from, in: store.broker, now: now)
            return (MoneyReport(book, question, fees: fees), Known(book))
        } catch {
            throw .broker(error)
        }
    }
}
