import ArgumentParser
import DeclineRecovery
import JSON
import Operations
import Pipeline
import Service
import Synchronization
import UnixSignals

/// Runs an order to its end, with a bar that grows for whoever looks, and an exit status for scripts.
struct DeadActing: ParsableArguments {
    @OptionGroup var who: OperatorOptions
    @Flag(help: "Do not ask before acting on more than one letter.")
    var yes = false
    @Flag(help: "Print how it ended as JSON, with what became of every letter.")
    var json = false

    /// A note as it was given.
    static func note(_ text: String) throws -> String {
        if text.allSatisfy(\.isWhitespace) { throw ValidationError("The note is empty. Say why in a sentence.") }
        // The parser would show the text once more beside its own error.
        if let refusal = OperatorWords.refusal(of: text, as: "note") { Self.exit(withError: ExitCode.misuse(refusal)) }
        return text
    }

    func act(_ order: LetterAction, on selection: LetterSelection, note: String?, tools: LetterTools, patience: Moment.Span = .seconds(60))
        async throws
    {
        let selection = try await confirmed(order, selection, tools)
        let results = LetterResults()
        let job = LetterJob(order, selection, by: who.by, note: note, tools: tools, patience: patience, onResult: results.add)
        let interruption = Interruption()
        let trapped = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let signals = Task {
            for await _ in trapped {
                // Whoever insists does not want to wait for what is under way.
                if interruption.comesAgain() { Self.exit(withError: DeadExit.interrupted) }
                job.stop()
                Terminal.complain("\nStopping when what is under way is done; Ctrl-C again ends at once.")
            }
        }
        let run = Task { await job.run() }
        while !job.progress.state.isOver {
            let progress = job.progress
            Terminal.progress(progress.done, of: progress.total, progress.message)
            try await Task.sleep(for: .milliseconds(100))
        }
        await run.value
        signals.cancel()
        Terminal.endProgress()
        try tell(job, results.all, wasInterrupted: interruption.hasCome)
    }

    /// More than one letter is asked about, where a person can answer.
    ///
    /// - Returns: what was agreed to; letters that come later are not meant.
    private func confirmed(_ order: LetterAction, _ selection: LetterSelection, _ tools: LetterTools) async throws -> LetterSelection {
        guard !yes, Terminal.isInput, case .filter(let filter) = selection else { return selection }
        let letters = try await tools.store.select(filter)
        let agreed = LetterSelection.letters(letters.reversed().map(\.id))
        if letters.count < 2 { return agreed }
        for group in LetterGroup.of(letters) {
            Terminal.complain(
                "  \(group.count)  \(group.reason.rawValue) at \(group.stage.rawValue)\(group.merchantID.map { ", merchant \(Terminal.visible($0.text))" } ?? "")"
            )
        }
        // Of very many it would take a while.
        if case .replay(let correction, _, _, let consent) = order, letters.count <= 500 {
            let summary = DryRunSummary(try await DryRun(tools: tools, correction: correction, consent: consent).run(agreed))
            for line in summary.lines { Terminal.complain("  " + line) }
        }
        let answer = Terminal.ask("\(order.word) these \(letters.count) letters? Type \(letters.count) to go on: ")
        if answer != String(letters.count) {
            Terminal.complain("Nothing was done.")
            throw DeadExit.nothingMeant
        }
        return agreed
    }

    private func tell(_ job: LetterJob, _ results: [LetterJob.Progress.Result], wasInterrupted: Bool) throws {
        let progress = job.progress
        if json {
            Terminal.show(bytes: RunView(job, results: results).json.bytes)
        } else if progress.state == .failed {
            Terminal.complain("Error: \(progress.message)")
        } else if progress.total == 0, progress.leftOut == 0 {
            Terminal.complain("No letter is meant: none is as you say. `salvage dead list --state all` shows every one.")
        } else {
            show(results)
            Terminal.show(Terminal.paint(progress.message, progress.state == .finished ? .bold : .red))
            advise(job, results)
        }
        if wasInterrupted, progress.state != .finished { throw DeadExit.interrupted }
        if progress.failure == .somebodyElse { throw DeadExit.somebodyElse }
        if progress.failure?.isAbsence == true { throw ExitCode.unavailable }
        if progress.state == .failed { throw ExitCode.failure }
        if progress.total == 0, progress.leftOut == 0 { throw DeadExit.nothingMeant }
        let isReplay = job.order.kind == .replay
        if progress.state == .stopped || progress.failed > 0 || progress.leftOut > 0 || isReplay && progress.pending > 0 {
            throw ExitCode.failure
        }
    }

    /// Each of a few. Of many those that are not as they should be: with an end of their own or by what they have in common.
    private func show(_ results: [LetterJob.Progress.Result]) {
        let told = results.count <= 10 ? results : results.filter { $0.outcome != .succeeded }
        func line(_ who: String, _ outcome: LetterJob.Progress.Outcome, _ sentence: String) {
            Terminal.show(
                "\(who)  \(Terminal.paint(outcome.rawValue.replacing("_", with: " "), outcome.colour))  \(Terminal.visible(sentence))")
        }
        if told.count <= 10 {
            for result in told {
                line("\(result.letter.description.prefix(8))  \(Terminal.visible(result.orderID ?? "-"))", result.outcome, result.sentence)
            }
            return
        }
        struct Kind: Hashable {
            let outcome: LetterJob.Progress.Outcome
            let sentence: String
        }
        let kinds = Dictionary(grouping: told) { Kind(outcome: $0.outcome, sentence: $0.sentence) }.sorted {
            ($1.value.count, $0.key.sentence) < ($0.value.count, $1.key.sentence)
        }
        for (kind, results) in kinds.prefix(20) { line(String(results.count), kind.outcome, kind.sentence) }
        if kinds.count > 20 {
            Terminal.show("and \(kinds.dropFirst(20).reduce(0) { $0 + $1.value.count }) more, each with a reason of its own.")
        }
        Terminal.show("--json tells of every letter; `salvage dead list` shows what is left to do.")
    }

    /// What to do next.
    private func advise(_ job: LetterJob, _ results: [LetterJob.Progress.Result]) {
        guard job.order.kind == .replay else { return }
        let progress = job.progress
        if progress.state == .stopped {
            Terminal.show(
                "\(progress.done) of \(progress.total) sent; go on with: salvage dead replay --resume \(job.id.description.prefix(8))")
        }
        if results.contains(where: { $0.lifting == .toSkips }) {
            Terminal.show("--accept-skips sends them all the same; `salvage dead show LETTER` may know a correction.")
        }
        if results.contains(where: { $0.lifting == .ofCRM }) { Terminal.show("Where they do: --crm-agrees.") }
        let waiting = results.filter { $0.outcome == .pending }
        for result in waiting.prefix(3) {
            Terminal.show("What becomes of it tells: salvage trace \(Terminal.visible(result.orderID ?? "ORDER"))")
        }
        if waiting.count > 3 {
            Terminal.show(
                "`salvage trace ORDER` tells of the other \(waiting.count - 3) as well; `salvage dead list --state replayed` lists them.")
        }
        if progress.failed > 0 { Terminal.show("If it should go by the configuration here: have the workers reloaded theirs (SIGHUP)?") }
    }
}

/// Whether somebody pressed Ctrl-C.
private final class Interruption: Sendable {
    private let flag = Atomic<Bool>(false)

    var hasCome: Bool { flag.load(ordering: .relaxed) }
    func comesAgain() -> Bool { flag.exchange(true, ordering: .relaxed) }
}

/// Every result of a job, as they come.
private final class LetterResults: Sendable {
    private let results = Mutex<[LetterJob.Progress.Result]>([])

    func add(_ result: LetterJob.Progress.Result) { results.withLock { $0.append(result) } }

    /// Of a letter of which more than one came, the last.
    var all: [LetterJob.Progress.Result] {
        let results = results.withLock { $0 }
        let last = Dictionary(results.enumerated().map { ($1.letter, $0) }, uniquingKeysWith: { $1 })
        return results.enumerated().filter { last[$1.letter] == $0 }.map(\.element)
    }
}

extension DryRunSummary {
    var lines: [String] {
        let leftOut = reasons.filter(\.isLeftOut)
        var lines =
            ["\(sent) of \(count) would be sent"] + leftOut.prefix(10).map { "\($0.count) left out: \(Terminal.visible($0.sentence))" }
        if leftOut.count > 10 {
            lines.append("\(leftOut.dropFirst(10).reduce(0) { $0 + $1.count }) left out for \(leftOut.count - 10) other reasons")
        }
        if wouldSkip > 0 { lines.append("--accept-skips sends those that would only be skipped all the same") }
        return lines
    }
}

extension LetterJob.Progress.Outcome {
    var colour: Terminal.Colour {
        switch self {
        case .succeeded: .green
        case .failed: .red
        case .leftOut, .pending: .yellow
        }
    }
}
