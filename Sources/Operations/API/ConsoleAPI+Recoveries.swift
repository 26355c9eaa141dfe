import DeclineRecovery
import JSON
import Pipeline

extension ConsoleAPI {
    func recoveries(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        guard let order = request.query["order"], !order.isEmpty else {
            throw .badRequest("No order is named.", "Give an order id or a recovery reference.")
        }
        guard order.utf8.count <= 512 else {
            throw .badRequest(
                "order: expected 512 bytes at the most, found \(order.utf8.count).", "Give an order id or a recovery reference.")
        }
        try requireBroker()
        let days = try request.number("days", 1...90) ?? 45
        let since = tools.clock.now() + .days(-Int64(days))
        let found: OrderSearch.Found
        let letters: [LetterSummary]
        do throws(BrokerFailure) {
            found = try await OrderSearch(order).read(since: since, in: store.broker.journal)
            letters = try await store.letters(of: found, order)
        } catch {
            throw .broker(error)
        }
        let story = RecoveryStory(found.records)
        return .object(of: [
            ("found", .text(found.sentence)),
            ("records", .array(story.lines.map(Self.line))),
            (
                "outlooks",
                .array(
                    story.outlooks.map { outlook in
                        .object(of: [
                            ("reference", .string(outlook.reference.text)), ("sentence", .string(outlook.sentence)),
                            ("until", outlook.until.map { .integer($0.milliseconds) }), ("over", .bool(outlook.isOver)),
                        ])
                    })
            ),
            ("letters", .array(letters.prefix(200).map(LetterView.summary))),
        ])
    }

    private static func line(_ line: RecoveryStory.Line) -> JSONValue {
        let record = line.record
        return .object(of: [
            ("at", .integer(record.at.milliseconds)), ("reference", .string(record.reference.text)),
            ("stage", .string(record.stage.rawValue)),
            ("merchantId", .text(record.merchantID?.text)), ("gatewayId", .text(record.gatewayID?.text)),
            ("fate", .string(record.fate.word)),
            ("detail", .string(record.detail)), ("reason", .text(record.reason)), ("rule", .text(record.rule)),
            ("until", record.until.map { .integer($0.milliseconds) }), ("attempts", .integer(Int64(record.attempts))),
            ("worker", .string(record.workerID)),
            ("sentence", .string(line.sentence)), ("tone", .string(line.tone.rawValue)), ("repeat", .bool(line.isRepeat)),
        ])
    }
}
