import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Operations
import Service

struct DeadExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print letters whole, as lines of JSON (NDJSON), the oldest first.",
        discussion:
            "Each line holds the letter's summary and, as `event`, the letter as it stands in the stream (schemas/dead-letter.v1.schema.json). Looking changes nothing."
    )

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var filter: LetterFilterOptions

    func run() async throws {
        let filter = try filter.filter(now: SystemClock().now())
        try await broker.withStore { store in
            let letters = try await store.select(filter)
            var done = 0
            try await store.export(letters) { letter, entry in
                guard let event = try? JSONValue(parsing: entry.body.span, limits: JSONLimits(bytes: .max, depth: 512)) else {
                    return Terminal.complain("The letter \(letter.id) cannot be read as JSON and is left out.")
                }
                let summary = LetterView.summary(letter).object ?? []
                Terminal.show(bytes: JSONValue.object(summary + [JSONValue.Member("event", event)]).bytes)
                done += 1
                if done % 500 == 0 { Terminal.progress(done, of: letters.count, "exported") }
            }
            Terminal.endProgress()
            if letters.isEmpty { Terminal.complain("No letter is meant.") }
            if done < letters.count {
                Terminal.complain(
                    "Error: only \(done) of \(letters.count) letters were exported; the stream did not give the others in time, or holds them no more."
                )
                throw ExitCode.failure
            }
        }
    }
}

struct DeadFollow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follow", abstract: "Show letters and what operators do with them, as it happens, until Ctrl-C.")

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print each letter and record as a line of JSON.")
    var json = false

    func run() async throws {
        let isJSON = json
        try await broker.withLink { link, settings in
            let store = LetterStore(link, settings.names)
            _ = try await store.broker.letters.follow(from: .next, mostAhead: 1_000) { entries in
                for entry in entries { Self.show(entry, isJSON) }
            }
            if !isJSON { Terminal.complain("Dead letters from now on; Ctrl-C ends.") }
            while true { try await Task.sleep(for: .seconds(3_600)) }
        }
    }

    private static func show(_ entry: StreamMessage, _ isJSON: Bool) {
        if isJSON { return Terminal.show(bytes: entry.body) }
        switch LetterStore.read(entry) {
        case .letter(let letter):
            let about = letter.subject.orderID.map { " order \($0)" } ?? ""
            Terminal.show(
                "\(letter.writtenAt.rfc3339)  \(Terminal.paint(letter.reason.rawValue, .red))  \(letter.id.description.prefix(8))\(Terminal.visible(about)): \(Terminal.visible(letter.explanation))"
            )
        case .record(let record):
            let about =
                record.act.letters.count == 1
                ? record.act.letters.first.map { " \($0.description.prefix(8))" } ?? "" : " \(record.act.letters.count) letters"
            Terminal.show("\(record.at.rfc3339)  \(Terminal.paint(record.act.word, .yellow)) \(about)  \(Terminal.visible(record.line))")
        case nil: Terminal.show("(offset \(entry.offset): a message that this version cannot read)")
        }
    }
}
