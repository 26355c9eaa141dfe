import ArgumentParser
import Operations
import Service

/// The letters that are chosen, and doing one thing with them.
struct DeadChosen: ParsableArguments {
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var which: LetterSelectionOptions
    @OptionGroup var acting: DeadActing

    func validate() throws { try which.check() }

    func act(_ order: LetterAction, note: String?, config: ConfigOption? = nil) async throws {
        try await broker.withLetters(config: config) { tools in
            try await acting.act(
                order, on: which.selection(on: tools.letters.store, now: SystemClock().now()), note: note, tools: tools.letters)
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

    @OptionGroup var config: ConfigOption
    @OptionGroup var chosen: DeadChosen
    @Option(help: "Why, for whoever looks later.", transform: DeadActing.note)
    var note: String?

    func run() async throws {
        guard config.path != nil else {
            throw ExitCode.misuse("FlexFactor is asked with the gateway's keys. Give --config FILE, or set SALVAGE_CONFIG.")
        }
        try await chosen.act(.reconcile, note: note, config: config)
    }
}

struct DeadDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Mark letters as of no use. They stay in the stream and can be restored.")

    @OptionGroup var chosen: DeadChosen
    @Option(help: "Why, for whoever looks later.", transform: DeadActing.note)
    var note: String

    func run() async throws { try await chosen.act(.discard, note: note) }
}

struct DeadResolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Mark letters as seen to by other means: the CRM sent them again, somebody settled them by hand.")

    @OptionGroup var chosen: DeadChosen
    @Option(help: "How, for whoever looks later.", transform: DeadActing.note)
    var note: String

    func run() async throws { try await chosen.act(.resolve, note: note) }
}

struct DeadRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put letters that were discarded, resolved or replayed back to what is to be done.")

    @OptionGroup var chosen: DeadChosen
    @Option(help: "Why, for whoever looks later.", transform: DeadActing.note)
    var note: String?

    func run() async throws { try await chosen.act(.restore, note: note) }
}
