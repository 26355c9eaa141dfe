import ArgumentParser
import DeclineRecovery
import Operations
import Pipeline
import Service

/// Runs an order to its end, with a bar that grows for whoever looks, and an exit status for scripts.
struct DeadActing: ParsableArguments {
    @OptionGroup var who: OperatorOptions
    @Flag(help: "Do not ask before acting on more than one letter.")
    var yes = false
    @Flag(help: "Print how it ended as JSON.")
    var json = false

    func act(_ order: LetterOrder, on selection: LetterSelection, note: String?, tools: LetterTools, patience: Moment.Span = .seconds(60)) async throws {
        if let note, note.allSatisfy(\.isWhitespace) { throw ValidationError("The note is empty. Say why in a sentence.") }
        let selection = try await confirmed(order, selection, tools)
        let job = LetterJob(order, selection, by: who.by, note: note, tools: tools, patience: patience)
        let run = Task { await job.run() }
        while !job.progress.state.isOver {
            let progress = job.progress
            Terminal.progress(progress.done, of: progress.total, progress.message)
            try await Task.sleep(for: .milliseconds(100))
        }
        await run.value
        Terminal.endProgress()
        try tell(job)
    }

    /// Acts on the letters that are chosen.
    func act(_ order: LetterOrder, on which: LetterSelectionOptions, note: String?, at broker: BrokerOptions, config: ConfigOption? = nil) async throws {
        try await broker.withLetters(config: config) { tools, _ in
            try await act(order, on: which.selection(on: tools.letters.shelf, now: SystemClock().now()), note: note, tools: tools.letters)
        }
    }

    /// More than one letter is asked about, where a person can answer.
    ///
    /// - Returns: what was agreed to; letters that come later are not meant.
    private func confirmed(_ order: LetterOrder, _ selection: LetterSelection, _ tools: LetterTools) async throws -> LetterSelection {
        guard !yes, Terminal.isInput, case .filter(let filter) = selection else { return selection }
        let letters = try await tools.shelf.select(filter)
        let agreed = LetterSelection.letters(letters.reversed().map(\.id))
        if letters.count < 2 { return agreed }
        for group in LetterGroup.of(letters) {
            Terminal.complain("  \(group.count)  \(group.reason.rawValue) at \(group.stage.rawValue)\(group.merchantID.map { ", merchant \(Terminal.visible($0.text))" } ?? "")")
        }
        let answer = Terminal.ask("\(order.word) these \(letters.count) letters? Type \(letters.count) to go on: ")
        if answer != String(letters.count) {
            Terminal.complain("Nothing was done.")
            throw DeadExit.nothingMeant
        }
        return agreed
    }

    private func tell(_ job: LetterJob) throws {
        let progress = job.progress
        if json {
            Terminal.show(String(decoding: LetterView.job(job, isMine: true).bytes, as: UTF8.self))
        } else {
            // Each of a few; of many those that are not as they should be.
            for result in progress.results where progress.results.count <= 10 || result.outcome != .succeeded {
                Terminal.show("\(result.letter.description.prefix(8))  \(Terminal.visible(result.orderID ?? "-"))  \(Terminal.paint(result.outcome.rawValue.replacing("_", with: " "), result.outcome.colour))  \(Terminal.visible(result.sentence))")
            }
            Terminal.show(Terminal.paint(progress.message, progress.state == .finished ? .bold : .red))
            if progress.state == .stopped, job.order.word == "replay" { Terminal.show("Go on with: salvage dead replay --resume") }
        }
        if case .somebodyElse? = progress.failure { throw DeadExit.somebodyElse }
        if progress.state == .failed { throw ExitCode.failure }
        if progress.total == 0, progress.leftOut == 0 { throw DeadExit.nothingMeant }
        if progress.state == .stopped || progress.failed > 0 || progress.leftOut > 0 { throw ExitCode.failure }
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

struct DeadReconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "Ask FlexFactor what became of charges whose outcome is unknown, and settle them.",
        discussion: """
            Looks each order up at FlexFactor with the gateway's keys (--config), cancels it where it is still open, looks again, and publishes the
            result that is true. What FlexFactor cannot tell yet stays as it is: ask again later.
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing
    @Option(help: "Why, for whoever looks later.")
    var note: String?

    func run() async throws {
        try await acting.act(.reconcile, on: which, note: note, at: broker, config: config)
    }
}

struct DeadDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Mark letters as of no use. They stay in the stream and can be restored.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing
    @Option(help: "Why, for whoever looks later.")
    var note: String

    func run() async throws {
        try await acting.act(.discard, on: which, note: note, at: broker)
    }
}

struct DeadResolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Mark letters as seen to by other means: the CRM sent them again, somebody settled them by hand.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing
    @Option(help: "How, for whoever looks later.")
    var note: String

    func run() async throws {
        try await acting.act(.resolve, on: which, note: note, at: broker)
    }
}

struct DeadRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put letters that were discarded, resolved or replayed back to what is to be done.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing
    @Option(help: "Why, for whoever looks later.")
    var note: String?

    func run() async throws {
        try await acting.act(.restore, on: which, note: note, at: broker)
    }
}
