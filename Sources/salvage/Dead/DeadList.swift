import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Operations
import Service

struct DeadList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show letters, those that were written last first.",
        discussion: """
            Without filters: what is to be done. Looking changes nothing.

              salvage dead list --state all --since 7d
              salvage dead list --reason no_card_key,card_unusable --json
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var filter: LetterFilterOptions
    @Option(help: "How many at the most; 50 by default, all with --json.")
    var limit: Int?
    @Option(help: "How many to pass over first.")
    var offset = 0
    @Flag(help: "Print each letter as a line of JSON.")
    var json = false

    func validate() throws {
        for (option, value) in [("--limit", limit ?? 0), ("--offset", offset)] where value < 0 {
            throw ValidationError("\(option): expected a number from 0 on, found '\(value)'.")
        }
    }

    func run() async throws {
        let filter = try filter.filter(now: SystemClock().now())
        let (found, unreadable) = try await broker.withStore { store in
            (try await store.select(filter), store.unreadable)
        }
        DeadStats.complain(of: unreadable)
        let page = found.dropFirst(max(offset, 0)).prefix(max(limit ?? (json ? .max : 50), 0))
        if json {
            for letter in page { Terminal.show(bytes: LetterView.summary(letter).bytes) }
            if limit != nil, page.count < found.count {
                Terminal.complain("\(page.count) of \(found.count) letters; --limit and --offset show more.")
            }
            return
        }
        if found.isEmpty { return Terminal.show("No dead letters here. `--state all` shows those that were seen to as well.") }
        let now = SystemClock().now()
        Terminal.table(
            // What a narrow screen cuts off is what one can do without.
            ["letter", "order", "last", "reason", "to do", "merchant", "state", "stage", "times", "what"],
            page.map { letter in
                [
                    String(letter.id.description.prefix(8)), letter.orderID ?? "-", (now - letter.lastAt).inWords, letter.reason.rawValue,
                    letter.toDo ?? "-", letter.merchantID?.text ?? "-", letter.state.rawValue, letter.stage.rawValue,
                    String(letter.occurrences), letter.explanation,
                ]
            },
            fits: true, colour: { page[page.startIndex + $0].state == .failedAgain ? .red : nil })
        let shown = page.count < found.count ? "\(page.count) of \(found.count) letters" : found.count.counted("letter")
        Terminal.complain(
            "\(shown.asSentence) `salvage dead show LETTER` tells all of one; `salvage dead stats` groups them."
        )
    }
}

struct DeadStats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count letters by what they died of, where, and whose they are, with what to do about it.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var filter: LetterFilterOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let filter = try filter.filter(now: SystemClock().now())
        // The states of all that are meant, and the groups of those that are to do.
        var wide = filter
        wide.states = filter.states ?? LetterFilter.all.states
        let (all, runs, isBusy, unreadable) = try await broker.withStore { [wide] store in
            (try await store.select(wide), store.look { $0.unfinishedRuns }, try await store.broker.lock.isTaken(), store.unreadable)
        }
        Self.complain(of: unreadable)
        let found = filter.states == nil ? all.filter(\.isToDo) : all
        let counts = Dictionary(all.map { ($0.state, 1) }, uniquingKeysWith: +)
        let groups = LetterGroup.of(found)
        if json {
            let states = LetterState.allCases.map { ($0.rawValue, JSONValue.integer(Int64(counts[$0] ?? 0)) as JSONValue?) }
            let answer = JSONValue.object(of: [
                ("total", .integer(Int64(found.count))), ("states", .object(of: states)),
                ("groups", .array(groups.map(LetterView.group))),
                ("withCrm", .integer(Int64(found.count(where: \.waitsForCRM)))), ("unreadable", .integer(Int64(unreadable.count))),
            ])
            return Terminal.show(bytes: answer.bytes)
        }
        let now = SystemClock().now()
        if groups.isEmpty {
            Terminal.show("No dead letters here.")
        } else {
            Terminal.table(
                ["count", "reason", "stage", "merchant", "is to be", "oldest", "newest", "what to do"],
                groups.map { group in
                    [
                        String(group.count), group.reason.rawValue, group.stage.rawValue, group.merchantID?.text ?? "-",
                        group.handling.words,
                        (now - group.oldest).inWords, (now - group.newest).inWords, group.advice,
                    ]
                })
        }
        if let run = runs.first {
            let more = runs.count > 1 ? " and \((runs.count - 1).counted("other"))" : ""
            Terminal.complain(
                isBusy
                    ? "Somebody acts at the moment: `salvage dead follow` shows what they do."
                    : "Not finished: the run of \(Terminal.visible(run.by.name)), \(run.startedAt.rfc3339)\(more). `salvage dead runs` shows how far they came."
            )
        }
        let withCRM = found.count(where: \.waitsForCRM)
        if withCRM > 0 {
            Terminal.complain(
                "\(withCRM.counted("letter")) of these \(withCRM == 1 ? "waits" : "wait") for the CRM, which was told what to mend; "
                    + "when it sends the event again, the letter resolves itself.")
        }
        let inDoubt = found.count { $0.isToDo && $0.handling == .reconcile }
        if inDoubt > 0 { Terminal.complain("\(inDoubt.counted("charge")) in doubt: `salvage dead reconcile` asks FlexFactor.") }
        Terminal.complain("In all: " + LetterState.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ") + ".")
    }
}

extension DeadStats {
    /// Nothing stands in the stream of letters that nobody is told of.
    static func complain(of unreadable: (count: Int, last: [LetterStore.Unreadable])) {
        if unreadable.count == 0 { return }
        Terminal.complain(
            "\(unreadable.count.counted("message")) among the letters cannot be read by this version; a later one wrote "
                + "\(unreadable.count == 1 ? "it" : "them") perhaps. The last: \(Terminal.visible(unreadable.last.last?.sentence ?? "")).")
    }
}

extension LetterHandling {
    var words: String {
        switch self {
        case .replay: "replayed"
        case .editFirst: "corrected"
        case .reconcile: "reconciled"
        }
    }
}
