import ArgumentParser
import DeclineRecovery
import JSON
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
            A run is noted before its first message goes out: when its process dies or it stops, --resume [RUN] finishes it as it was begun;
            without a name the newest one. `salvage dead runs` shows them.

              salvage dead replay 3f2a --note "typo in the id" --edit '[{"op": "replace", "path": "/data/merchantId", "value": "acme"}]'
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing
    @Option(help: "Why, for whoever looks later.", transform: DeadActing.note)
    var note: String?
    @Option(help: ArgumentHelp("A JSON Patch for the one letter.", valueName: "patch"))
    var edit: String?
    @Flag(help: "Make reruns of instant declines whose time is over: FlexFactor tries them without the customer. Others are left out.")
    var rerun = false
    @Flag(help: "Say what would happen, and send nothing.")
    var dryRun = false
    @Flag(help: "Send few first, and stop by itself when they fail again.")
    var canary = false
    @Option(help: "Messages per second, 1 to 1000; 50 by default.")
    var rate: Int?
    @Flag(
        help: """
            The CRM's people have confirmed that these orders were not charged elsewhere; for letters about which the CRM was told `skipped`, and for \
            corrections that make another recovery of an order.
            """)
    var crmAgrees = false
    @Flag(help: "Send declines even where the CRM would only be told `skipped`, an instant decline of long ago for example.")
    var acceptSkips = false
    @Flag(help: "Finish a run that was not finished: the one that is named, or the newest.")
    var resume = false
    @Option(help: ArgumentHelp("Seconds to wait for what becomes of the messages.", valueName: "seconds"))
    var wait = 60

    func validate() throws {
        if !(0...3_600).contains(wait) { throw ValidationError("--wait must be 0 to 3600 seconds.") }
        if resume {
            if let id = which.ids.first, id.allSatisfy(\.isWhitespace) {
                throw ValidationError("The run's name is empty. `salvage dead runs` shows them; leave it out for the newest.")
            }
            if dryRun {
                throw ValidationError(
                    "--resume sends what a run has left. To try it without sending, give --dry-run with ids or a filter instead.")
            }
            if which.ids.count > 1 || which.isFiltered || edit != nil || rerun {
                throw ValidationError("--resume goes on with the letters that the run began with.")
            }
            if note != nil || rate != nil || canary || crmAgrees || acceptSkips {
                throw ValidationError(
                    "--resume goes on as the run began: --note, --rate, --canary, --crm-agrees and --accept-skips cannot be given again.")
            }
            return
        }
        try which.check()
        if edit != nil, which.ids.count != 1 { throw ValidationError("--edit is for one letter, named by its id.") }
        if edit != nil, rerun { throw ValidationError("Give either --edit or --rerun.") }
        if let rate, !(1...1_000).contains(rate) { throw ValidationError("--rate must be 1 to 1000 messages per second.") }
        if note == nil, !dryRun {
            throw ValidationError("--note is required: whoever looks at the letters later will want to know why they were sent again.")
        }
        if let edit, Self.isPatch(edit), case .failure(let why) = Self.patch(Array(edit.utf8)) { throw ValidationError(why.description) }
    }

    func run() async throws {
        // Without it every message would be sent, whatever is to become of it.
        guard config.path != nil else {
            throw ExitCode.misuse(
                "there is no configuration here, so nobody can tell what would become of the messages. Give --config FILE, or set SALVAGE_CONFIG."
            )
        }
        let correction = rerun ? .rerun : try edit.map { LetterCorrection.patch(try patch($0)) }
        try await broker.withLetters(config: config) { tools in
            let store = tools.letters.store
            if resume {
                let run = try run(on: store)
                if run.plan.correction != nil, tools.access.secondPerson != nil {
                    throw ExitCode.misuse(
                        "the run corrects messages, and the configuration asks for a second person (console.secondPersonMinutes): propose it anew at the console."
                    )
                }
                return try await finish(run, tools)
            }
            let selection = try which.selection(on: store, now: SystemClock().now())
            if correction != nil, !dryRun, tools.access.secondPerson != nil {
                throw ExitCode.misuse(
                    "the configuration asks for a second person where messages are corrected (console.secondPersonMinutes): propose it at the console."
                )
            }
            if dryRun { return try await showDryRun(selection, correction, tools) }
            try await acting.act(
                .replay(correction: correction, isCanary: canary, rate: rate ?? 50, consent: consent), on: selection, note: note,
                tools: tools.letters,
                patience: .seconds(Int64(wait)))
        }
    }

    private var consent: ReplayConsent { ReplayConsent(ofCRM: crmAgrees, toSkips: acceptSkips) }

    // MARK: A run that was begun

    private func finish(_ run: ReplayRun, _ tools: OperatorTools) async throws {
        let out = run.replayed.union(run.failed).count
        Terminal.complain(
            "Going on with the run of \(Terminal.visible(run.by.name)), \(run.startedAt.rfc3339): \(out) of \(run.letters.count) were sent."
        )
        if run.by.name != acting.who.by.name, Terminal.isInput, !acting.yes,
            Terminal.ask("It is not yours. Type yes to go on: ") != "yes"
        {
            Terminal.complain("Nothing was done.")
            throw DeadExit.nothingMeant
        }
        let order = LetterAction.replay(correction: nil, isCanary: run.plan.isCanary, rate: run.plan.rate, consent: run.plan.consent)
        try await acting.act(order, on: .unfinished(run: run.id), note: nil, tools: tools.letters, patience: .seconds(Int64(wait)))
    }

    private func run(on store: LetterStore) throws -> ReplayRun {
        let (unfinished, all) = store.look { ($0.unfinishedRuns, $0.runsNewestFirst) }
        if let name = which.ids.first?.lowercased() {
            let found = all.filter { $0.id.description.hasPrefix(name) }
            if let run = found.first, found.count == 1, run.end?.how != .finished { return run }
            let what =
                found.isEmpty
                ? "There is no run \(Terminal.visible(name))."
                : found.count > 1
                    ? "\(Terminal.visible(name)) is the beginning of \(found.count) runs; give more of it."
                    : "The run \(Terminal.visible(name)) is finished."
            Terminal.complain(what + " `salvage dead runs` shows every one.")
            throw DeadExit.nothingMeant
        }
        if let run = unfinished.first ?? all.first(where: { $0.end?.how != .finished }) { return run }
        Terminal.complain("Every run is finished.")
        throw DeadExit.nothingMeant
    }

    // MARK: A look ahead

    /// Says what would become of each letter, and what a correction changes; of many, in numbers.
    private func showDryRun(_ selection: LetterSelection, _ correction: LetterCorrection?, _ tools: OperatorTools) async throws {
        let dryRun = DryRun(tools: tools.letters, correction: correction, consent: consent)
        let outcomes = try await dryRun.run(selection)
        if outcomes.isEmpty {
            Terminal.complain("No letter is meant.")
            throw DeadExit.nothingMeant
        }
        let isMany = outcomes.count > 20
        for outcome in outcomes {
            if acting.json {
                Terminal.show(bytes: outcome.json.bytes)
                continue
            }
            if isMany { break }
            let word =
                outcome.refusal == nil
                ? Terminal.paint(outcome.forecast.verdict.rawValue, outcome.forecast.verdict == .goes ? .green : .yellow)
                : Terminal.paint("not sent", .red)
            Terminal.show(
                "\(outcome.letter.id.description.prefix(8))  \(Terminal.visible(outcome.letter.orderID ?? "-"))  \(word)  \(Terminal.visible(outcome.refusal ?? outcome.forecast.sentence))"
            )
            for difference in outcome.differences { Terminal.show("    \(Terminal.visible(difference.line))") }
            for fault in outcome.forecast.faults {
                Terminal.show("    \(Terminal.visible(fault.path)): \(Terminal.visible(fault.message))")
            }
        }
        if !acting.json {
            if outcomes.count > 1 { for line in DryRunSummary(outcomes).lines { Terminal.show(line + ".") } }
            if isMany { Terminal.complain("--json tells of every letter.") }
        }
        if outcomes.contains(where: { $0.refusal != nil }) { throw ExitCode.failure }
    }

    // MARK: Corrections

    private static func isPatch(_ text: String) -> Bool { text.first { !$0.isWhitespace } == "[" }

    private static func patch(_ bytes: [UInt8]) -> Result<JSONPatch, Failure> {
        do {
            return .success(try JSONPatch(JSONValue(parsing: bytes.span)))
        } catch {
            return .failure(Failure("--edit: \(error)"))
        }
    }

    private func patch(_ text: String) throws -> JSONPatch {
        guard let bytes = Self.isPatch(text) ? Array(text.utf8) : WholeFile.bytes(of: text) else {
            throw ExitCode.misuse(
                "--edit: expected a JSON Patch, which begins with [, or the name of a file with one; '\(text)' is neither: \(WholeFile.fault(of: text))."
            )
        }
        switch Self.patch(bytes) {
        case .success(let patch): return patch
        case .failure(let why): throw ExitCode.misuse(why.description)
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
