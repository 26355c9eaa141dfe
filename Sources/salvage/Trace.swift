import ArgumentParser
import DeclineRecovery
import Service

struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the story of an order's recoveries: what was decided, sent, told, and what comes next.",
        discussion: "Reads the journal, which keeps 90 days and no person's data. Exit status 1 when it holds nothing of the order.")

    @OptionGroup var broker: BrokerOptions
    @Argument(help: "The CRM's order id, or a recovery reference.")
    var order: String
    @Option(help: "How many days back to read.")
    var days = 45
    @Flag(help: "Print each record as a line of JSON.")
    var json = false

    func run() async throws {
        let wanted = order
        let days = days
        let records = try await broker.withLink { link, settings in
            try await JournalReader.read(wanted, days: days, names: settings.names, on: link)
        }
        if records.isEmpty {
            Terminal.complain("The journal of the last \(days) days holds nothing of \(Terminal.visible(wanted)). Is the order id as the CRM sent it?")
            throw ExitCode.failure
        }
        if json {
            for record in records { Terminal.show(String(decoding: record.encoded(), as: UTF8.self)) }
            return
        }
        // A result may be told by a webhook and by a look; the CRM drops the repeat by its id.
        var told: Set<String> = []
        Terminal.table(
            ["time", "recovery", "stage", "what happened", "calls"],
            records.map { record in
                let isRepeat = record.fate == "told" && !told.insert(record.reference.text + record.detail).inserted
                return [
                    record.at.rfc3339, record.reference.text, record.stage.rawValue, record.sentence + (isRepeat ? " (a repeat)" : ""),
                    String(record.attempts),
                ]
            },
            colour: { records[$0].colour })
        for (reference, last) in Dictionary(grouping: records, by: \.reference).compactMapValues(\.last).sorted(by: { $0.key.text < $1.key.text }) {
            Terminal.show("\(reference.text): \(Self.outlook(records.filter { $0.reference == reference }, last))")
        }
    }

    private static func outlook(_ records: [JournalRecord], _ last: JournalRecord) -> String {
        let finals = records.filter { $0.fate == "told" && ResultKind(rawValue: $0.detail)?.isFinal == true }
        if let final = finals.first { return "ended as \(final.detail); nothing more comes but refunds and chargebacks" }
        if records.contains(where: { $0.fate == "dead_lettered" || $0.fate == "rejected" }) { return "ended in a dead letter" }
        if let until = last.until { return "looked at again at \(until.rfc3339)" }
        return "under way"
    }
}

extension JournalRecord {
    fileprivate var sentence: String {
        let what = switch fate {
        case "passed": "passed on to \(detail)"
        case "told": "told the CRM: \(detail)"
        case "parked": "put away (\(detail))"
        case "dead_lettered": "dead letter (\(detail))"
        case "rejected": "rejected (\(detail)), dead letter written"
        case "ignored": "nothing to do (\(detail))"
        default: "\(fate) \(detail)"
        }
        return what + (reason.map { $0 == detail ? "" : ", \($0)" } ?? "") + (rule.map { ", by rule \($0)" } ?? "") + (until.map { ", until \($0.rfc3339)" } ?? "")
    }

    fileprivate var colour: Terminal.Colour? {
        switch fate {
        case "told": ResultKind(rawValue: detail)?.success.map { $0 ? .green : .red }
        case "dead_lettered", "rejected": .red
        default: nil
        }
    }
}
