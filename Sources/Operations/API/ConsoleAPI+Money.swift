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
        guard let format = Format(rawValue: request.query["format"] ?? "") else { throw .badRequest("format: expected json or csv.") }
        let now = tools.clock.now()
        let question: MoneyReport.Question
        do throws(MoneyReport.Question.Fault) {
            question = try MoneyReport.Question(request.query, now: now)
        } catch {
            throw .badRequest(error.what, error.advice)
        }
        let isKept = question.from > now.milliseconds / 86_400_000 - FlowBook.days
        let (report, until) = isKept ? flow.look { (MoneyReport($0.money, question), $0.money.until) } : try await read(question)
        if format == .csv { return .object(of: [("csv", .string(report.csv))]) }
        return report.json(asOf: until, isComplete: !isKept || flow.isReady.journal, limit: Self.mostRows)
    }

    /// What is older than the console remembers is read from the journal while somebody waits.
    private func read(_ question: MoneyReport.Question) async throws(ConsoleError) -> (MoneyReport, Moment?) {
        try requireBroker()
        do throws(BrokerFailure) {
            let book = try await MoneyBook.read(from: question.from, in: store.broker.journal)
            return (MoneyReport(book, question), book.until)
        } catch {
            throw .broker(error)
        }
    }
}
