import ArgumentParser
import Broker
import DeclineRecovery
import Operations
import Service

struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the story of an order's recoveries: what was decided, sent, told, and what comes next.",
        discussion: "Reads the journal, which keeps 90 days and no person's data. Exit status 1 when it holds nothing of the order.")

    @OptionGroup var broker: BrokerOptions
    @Argument(
        help:
            "The CRM's order id or a recovery reference; or FlexFactor's id of the order, the declined transaction's, the event's, or a part."
    )
    var order: String
    @Option(help: "How many days back to read.")
    var days = 45
    @Flag(help: "Print each record as a line of JSON.")
    var json = false

    func validate() throws {
        if order.allSatisfy(\.isWhitespace) { throw ValidationError("expected an order's id or a recovery reference, found nothing.") }
        if !(1...90).contains(days) {
            throw ValidationError("--days: expected a whole number of 1...90, for so long the journal keeps; found '\(days)'.")
        }
    }

    func run() async throws {
        let wanted = order
        let since = SystemClock().now() + .days(-Int64(days))
        let wantsLetters = !json
        let (found, letters) = try await broker.withLink { link, settings -> (OrderSearch.Found, [LetterSummary]) in
            let found = try await OrderSearch(wanted).read(since: since, in: link.journal(settings.names))
            // Whoever finds nothing is told of a letter in whatever form.
            let died = found.records.isEmpty || wantsLetters && found.records.contains(where: \.fate.isLetter)
            return (found, died ? try await Self.letters(of: found, wanted, settings.names, on: link) : [])
        }
        let records = found.records
        if records.isEmpty {
            if json { for letter in letters { Terminal.complain(Self.sentence(letter)) } } else { show(letters) }
            let isShort = wanted.utf8.count < OrderSearch.shortest
            Terminal.complain(
                "The journal of the last \(days) days holds nothing of \(Terminal.visible(wanted))"
                    + (!letters.isEmpty
                        ? ": no recovery was begun."
                        : isShort
                            ? ", taken for a whole id; of a part give \(OrderSearch.shortest) characters or more."
                            : ". Is the order id as the CRM sent it?"))
            throw ExitCode.failure
        }
        if json {
            for record in records { Terminal.show(bytes: record.encoded()) }
            return
        }
        if let how = found.sentence { Terminal.show(Terminal.paint(how, .dim)) }
        let story = RecoveryStory(records)
        Terminal.table(
            ["time", "recovery", "stage", "what happened", "calls"],
            story.lines.map { line in
                [
                    line.record.at.rfc3339, line.record.reference.text, line.record.stage.rawValue,
                    line.sentence + (line.record.until.map { ", until \($0.rfc3339)" } ?? "") + (line.isRepeat ? " (a repeat)" : ""),
                    String(line.record.attempts),
                ]
            },
            colour: { story.lines[$0].tone.colour })
        for outlook in story.outlooks {
            Terminal.show("\(outlook.reference.text): \(outlook.sentence)" + (outlook.until.map { " at \($0.rfc3339)" } ?? ""))
        }
        show(letters)
    }

    private static func letters(
        of found: OrderSearch.Found, _ wanted: String, _ names: TopologyNames, on link: BrokerLink
    ) async throws -> [LetterSummary] {
        let store = LetterStore(link, names)
        try await store.follow()
        try await store.catchUp()
        return try await store.letters(of: found, wanted)
    }

    private func show(_ letters: [LetterSummary]) {
        for letter in letters { Terminal.show(Self.sentence(letter)) }
    }

    private static func sentence(_ letter: LetterSummary) -> String {
        "Its dead letter (\(letter.reason.rawValue), \(letter.state.rawValue)): salvage dead show \(letter.id.description.prefix(8))"
    }
}

extension RecoveryStory.Tone {
    var colour: Terminal.Colour? {
        switch self {
        case .good: .green
        case .bad: .red
        case .plain: nil
        }
    }
}
