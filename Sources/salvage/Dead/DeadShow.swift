import ArgumentParser
import DeclineRecovery
import JSON
import Operations
import Pipeline
import Service

struct DeadShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Tell all of a letter: what happened, what was done with it, and what would happen now.",
        discussion:
            "What would happen now needs the configuration (--config). Card data was removed when the letter was written; a card token stands in it encrypted."
    )

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Argument(help: ArgumentHelp("The letter's id, or the beginning of it.", valueName: "letter"))
    var id: String
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let wanted = id
        let isJSON = json
        try await broker.withLetters(config: config) { tools in
            let store = tools.letters.store
            let id = try store.id(wanted)
            guard let summary = store.look({ $0[id] }), let letter = try await store.letter(id) else {
                Terminal.complain("The stream holds the letter no more; letters are kept for a year.")
                throw DeadExit.nothingMeant
            }
            let history = try await store.history(of: id)
            let dryRun = DryRun(tools: tools.letters, correction: nil, consent: .toAll).run(summary, letter)
            let forecast = dryRun.forecast
            let stakes = LetterStakes(letter, merchants: tools.letters.forecaster().merchants, now: SystemClock().now())
            let suggestions = Suggestion.all(for: letter, merchants: tools.merchants, now: SystemClock().now())
            if isJSON {
                let all = LetterView.detail(
                    summary, letter, history: history, forecast: forecast, suggestions: suggestions, original: letter.original.json,
                    more: [("stakes", summary.isToDo ? stakes.json : nil)])
                return Terminal.show(bytes: all.bytes)
            }
            DeadLetterPage(
                summary: summary, letter: letter, history: history, dryRun: dryRun, configuration: config.path,
                stakes: stakes, suggestions: suggestions
            ).show()
        }
    }
}

/// A letter for a person at a terminal.
struct DeadLetterPage {
    let summary: LetterSummary
    let letter: DeadLetter
    let history: [LetterRecord]
    let dryRun: DryRun.Outcome
    let configuration: String?
    let stakes: LetterStakes
    let suggestions: [Suggestion]

    func show() {
        let state = summary.state
        heading("\(letter.id)  \(Terminal.paint(state.rawValue, state == .open || state == .failedAgain ? .red : .green))")
        line("reason", "\(letter.reason.rawValue): \(letter.explanation)")
        if summary.isToDo {
            line("to do", letter.reason.advice)
            line("how", letter.handlingSentence)
            for sentence in stakes.sentences { line("at stake", sentence) }
        } else {
            line("to do", nothing)
        }
        if let told = letter.crmWasTold { line("the CRM", "was told `\(told.rawValue)` when the letter was written") }
        line("where", "stage \(letter.stage.rawValue), after \(letter.attempts.counted("call")) to FlexFactor")
        line(
            "when",
            "first \(summary.firstAt.rfc3339), last \(summary.lastAt.rfc3339), \(summary.occurrences == 1 ? "once" : "\(summary.occurrences) times")"
        )
        line(
            "about",
            [
                letter.subject.merchantID.map { "merchant \($0)" }, letter.subject.orderID.map { "order \($0)" },
                letter.subject.reference.map { "recovery \($0)" }, letter.subject.gatewayID.map { "gateway \($0)" },
            ].compactMap { $0 }.joined(separator: ", "))
        line("worker", "\(letter.worker.id), version \(letter.worker.version)\(letter.worker.mapping.map { ", mapping \($0)" } ?? "")")
        if !letter.faults.isEmpty {
            heading("Faults")
            for fault in letter.faults { Terminal.show("  \(Terminal.visible(fault.path)): \(Terminal.visible(fault.message))") }
        }
        heading("What would happen now")
        showWhatWouldHappen()
        for suggestion in suggestions where summary.isToDo {
            Terminal.show("  \(Terminal.paint(suggestion.title, .bold)): \(suggestion.why)")
            Terminal.show(
                "    salvage dead replay \(letter.id) --note 'why' --edit '\(String(decoding: suggestion.patch.json.bytes, as: UTF8.self))'"
            )
        }
        heading("History")
        for entry in LetterHistory(summary, letter, history).entries {
            let line =
                switch entry {
                case .written(_, let worker, let sentence): (worker.map { "\($0): " } ?? "") + sentence
                case .record(let record): record.line
                }
            Terminal.show("  \(entry.at.rfc3339)  \(Terminal.visible(line))")
        }
        heading("The message")
        let original = letter.original
        line("sent to", "exchange '\(original.exchange)', routing key '\(original.routingKey)'")
        for (name, value) in [
            ("message id", original.messageID), ("type", original.type), ("correlation", original.correlationID),
            ("reply to", original.replyTo),
        ] {
            if let value { line(name, value) }
        }
        for header in original.headers { line("header", "\(header.name): \(header.text)") }
        Terminal.show("  \(original.originalByteCount) bytes:")
        let body = original.json?.pretty ?? String(decoding: original.redactedBody, as: UTF8.self)
        for part in body.split(separator: "\n", omittingEmptySubsequences: false) { Terminal.show("    " + Terminal.visible(String(part))) }
    }

    /// Why there is nothing to do here.
    private var nothing: String {
        switch summary.state {
        case .resolved: "nothing: it is resolved\(summary.resolution.map { " (\($0.text))" } ?? "")"
        case .discarded: "nothing: it is discarded"
        case .replayed: "wait: its message is under way again; `salvage trace \(letter.subject.orderID ?? "ORDER")` tells how far it is"
        case .open, .failedAgain: summary.successor.map { "see to the letter \($0), which its replay became" } ?? "nothing"
        }
    }

    private func showWhatWouldHappen() {
        switch (summary.isToDo, letter.handling) {
        case (false, _): Terminal.show("  It is not sent: \(dryRun.refusal ?? nothing).")
        case (true, .reconcile): Terminal.show("  It is not sent: salvage dead reconcile \(letter.id.description.prefix(8))")
        case (true, _):
            show(dryRun.forecast)
            if let refusal = dryRun.refusal, dryRun.forecast.verdict != .fails {
                Terminal.show("  \(Terminal.paint("not sent", .red)): \(Terminal.visible(refusal))")
            }
            if configuration == nil, dryRun.forecast.verdict == .unknown { Terminal.show("  Give --config FILE to find out.") }
            if let configuration {
                Terminal.show(
                    Terminal.paint(
                        "  By \(Terminal.visible(configuration)) as it is here; workers go by theirs as they last loaded it.", .dim))
            }
        }
    }

    private func show(_ forecast: Forecast) {
        let colour: Terminal.Colour =
            switch forecast.verdict {
            case .goes: .green
            case .skips, .unknown: .yellow
            case .fails: .red
            }
        Terminal.show("  \(Terminal.paint(forecast.verdict.rawValue, colour)): \(Terminal.visible(forecast.sentence))")
        for fault in forecast.faults { Terminal.show("  \(Terminal.visible(fault.path)): \(Terminal.visible(fault.message))") }
        for step in forecast.steps where step.says != nil {
            Terminal.show(
                "  \(step.decides ? ">" : " ") \(step.authority.rawValue): \(step.says?.declineClass.rawValue ?? ""), \(Terminal.visible(step.why ?? ""))"
            )
        }
    }

    private func heading(_ text: String) { Terminal.show("\n" + Terminal.paint(text, .bold)) }

    private func line(_ name: String, _ text: String) {
        if text.isEmpty { return }
        Terminal.show("  \(Terminal.paint(name + String(repeating: " ", count: max(11 - name.count, 0)), .dim)) \(Terminal.visible(text))")
    }
}

extension LetterRecord {
    /// Who did what, and why.
    var line: String { "\(by.name) (\(by.means.words)): \(sentence)" + (note.map { " — \"\($0)\"" } ?? "") }
}

extension LetterRecord.Operator.Means {
    fileprivate var words: String {
        switch self {
        case .commandLine: "command line"
        case .console: "console"
        case .worker: "worker"
        }
    }
}
