import ArgumentParser
import DeclineRecovery
import FoundationEssentials
import Operations
import Pipeline
import Service

struct DeadReplay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send letters' messages again, as they are or corrected.",
        discussion: """
            What is certain to fail is not sent: a dry run under today's configuration (--config) comes first, and --dry-run stops there.
            --edit takes a JSON Patch (RFC 6902), as text or as the name of a file; the corrected message must be valid and free of card data.
            --canary sends 1, 2, 5, 20 and then the rest, and stops by itself when any fails again.
            A run is noted before its first message goes out: when its process dies or it stops, --resume finishes it.

              salvage dead replay 3f2a --note "typo in the id" --edit '[{"op": "replace", "path": "/data/merchantId", "value": "acme"}]'
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Argument(help: ArgumentHelp("Letters, by their ids or the beginnings of them.", valueName: "id"))
    var ids: [String] = []
    @OptionGroup var filter: LetterFilterOptions
    @Flag(help: "All that are to be done.")
    var all = false
    @OptionGroup var acting: DeadActing
    @Option(help: "Why, for whoever looks later.")
    var note: String?
    @Option(help: ArgumentHelp("A JSON Patch for the one letter.", valueName: "patch"))
    var edit: String?
    @Flag(help: "Say what would happen, and send nothing.")
    var dryRun = false
    @Flag(help: "Send few first, and stop by itself when they fail again.")
    var canary = false
    @Option(help: "Messages per second, 1 to 1000.")
    var rate = 50
    @Flag(
        help: """
            The CRM's people have confirmed that these orders were not charged elsewhere; for letters about which the CRM was told `skipped`, and for \
            corrections that make another recovery of an order.
            """)
    var crmAgrees = false
    @Flag(help: "Send declines even where the CRM would only be told `skipped`, an instant decline of long ago for example.")
    var acceptSkips = false
    @Flag(help: "Finish the latest run that was not finished.")
    var resume = false
    @Option(help: ArgumentHelp("Seconds to wait for what becomes of the messages.", valueName: "seconds"))
    var wait = 60

    func validate() throws {
        if resume {
            if !ids.isEmpty || filter.isGiven || all || edit != nil { throw ValidationError("--resume goes on with the letters that the run began with.") }
            return
        }
        if ids.isEmpty, !filter.isGiven, !all { throw ValidationError("Say which letters: ids, a filter like --reason, or --all.") }
        if !ids.isEmpty, filter.isGiven || all { throw ValidationError("Give either ids or a filter.") }
        if edit != nil, ids.count != 1 { throw ValidationError("--edit is for one letter, named by its id.") }
        if !(1...1_000).contains(rate) { throw ValidationError("--rate must be 1 to 1000 messages per second.") }
        if !(0...3_600).contains(wait) { throw ValidationError("--wait must be 0 to 3600 seconds.") }
        if note == nil, !dryRun { throw ValidationError("--note is required: whoever looks at the letters later will want to know why they were sent again.") }
    }

    func run() async throws {
        let patch = try edit.map(Self.patch)
        try await broker.withLetters(config: config) { tools, _ in
            let shelf = tools.letters.shelf
            let patience = Moment.Span.seconds(Int64(wait))
            if resume {
                guard let run = shelf.look({ book in book.runsNewestFirst.first { $0.end?.how != .finished } }) else {
                    Terminal.complain("Every run is finished.")
                    throw DeadExit.nothingMeant
                }
                Terminal.complain("Going on with the run of \(Terminal.visible(run.by.name)), \(run.startedAt.rfc3339): \(run.replayed.count) of \(run.letters.count) were sent.")
                let order = LetterOrder.replay(patch: nil, isCanary: run.plan.isCanary, rate: run.plan.rate, consent: ReplayConsent(run.plan))
                return try await acting.act(order, on: .unfinished(run: run.id), note: nil, tools: tools.letters, patience: patience)
            }
            let selection: LetterSelection = ids.isEmpty
                ? .filter(try filter.filter(now: SystemClock().now())) : .letters(try ids.map { try shelf.id($0) })
            if dryRun { return try await rehearse(selection, patch, tools) }
            try await acting.act(
                .replay(patch: patch, isCanary: canary, rate: rate, consent: ReplayConsent(ofCRM: crmAgrees, toSkips: acceptSkips)), on: selection, note: note, tools: tools.letters,
                patience: patience)
        }
    }

    /// Says what would become of each letter, and what a correction changes.
    private func rehearse(_ selection: LetterSelection, _ patch: JSONPatch?, _ tools: OperatorTools) async throws {
        let rehearsal = Rehearsal(tools: tools.letters, patch: patch, consent: ReplayConsent(ofCRM: crmAgrees, toSkips: acceptSkips))
        let outcomes = try await rehearsal.run(selection)
        if outcomes.isEmpty {
            Terminal.complain("No letter is meant.")
            throw DeadExit.nothingMeant
        }
        for outcome in outcomes {
            if acting.json {
                Terminal.show(String(decoding: outcome.json.bytes, as: UTF8.self))
                continue
            }
            let word = outcome.refusal == nil ? Terminal.paint(outcome.forecast.verdict.rawValue, outcome.forecast.verdict == .goes ? .green : .yellow) : Terminal.paint("not sent", .red)
            Terminal.show("\(outcome.letter.id.description.prefix(8))  \(Terminal.visible(outcome.letter.orderID ?? "-"))  \(word)  \(Terminal.visible(outcome.refusal ?? outcome.forecast.sentence))")
            for difference in outcome.differences { Terminal.show("    \(Terminal.visible(difference.line))") }
            for fault in outcome.forecast.faults { Terminal.show("    \(Terminal.visible(fault.path)): \(Terminal.visible(fault.message))") }
        }
        if outcomes.contains(where: { $0.refusal != nil }) { throw ExitCode.failure }
    }

    private static func patch(_ text: String) throws -> JSONPatch {
        var bytes = Array(text.utf8)
        if text.first(where: { !$0.isWhitespace }) != "[" {
            guard let data = FileManager.default.contents(atPath: text == "-" ? "/dev/stdin" : text) else {
                throw ValidationError("--edit: expected a JSON Patch, which begins with [, or the name of a file with one; '\(text)' is neither.")
            }
            bytes = Array(data)
        }
        do {
            return try JSONPatch(JSONValue(parsing: bytes.span))
        } catch {
            throw ValidationError("--edit: \(error)")
        }
    }
}

extension JSONDifference {
    var line: String {
        func text(_ value: JSONValue) -> String { String(decoding: value.bytes, as: UTF8.self) }
        return switch change {
        case .added(let after): "+ \(path): \(text(after))"
        case .removed(let before): "- \(path): \(text(before))"
        case .changed(let before, let after): "~ \(path): \(text(before)) -> \(text(after))"
        }
    }
}
