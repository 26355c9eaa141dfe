import ArgumentParser
import Broker
import DeclineRecovery
import Operations
import Service

struct DeadList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show letters, the newest first.", discussion: "Without filters: what is to be done. Looking changes nothing.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var filter: LetterFilterOptions
    @Option(help: "How many at the most.")
    var limit = 50
    @Option(help: "How many to pass over first.")
    var offset = 0
    @Flag(help: "Print each letter as a line of JSON.")
    var json = false

    func run() async throws {
        let filter = try filter.filter(now: SystemClock().now())
        let found = try await broker.withShelf { shelf, _ in
            return try await shelf.select(filter)
        }
        let page = found.dropFirst(max(offset, 0)).prefix(max(limit, 0))
        if json {
            for letter in page { Terminal.show(String(decoding: LetterView.summary(letter).bytes, as: UTF8.self)) }
            return
        }
        if found.isEmpty { return Terminal.show("No dead letters here. `--state all` shows those that were seen to as well.") }
        let now = SystemClock().now()
        Terminal.table(
            ["letter", "state", "reason", "stage", "merchant", "order", "last", "times", "what"],
            page.map { letter in
                [
                    String(letter.id.description.prefix(8)), letter.state.rawValue, letter.reason.rawValue, letter.stage.rawValue,
                    letter.merchantID?.text ?? "-", letter.orderID ?? "-", (now - letter.lastAt).inWords, String(letter.occurrences),
                    letter.explanation,
                ]
            },
            fits: true, colour: { page[page.startIndex + $0].state == .failedAgain ? .red : nil })
        let shown = page.count < found.count ? "\(page.count) of \(found.count) letters" : "\(found.count == 1 ? "One letter" : "\(found.count) letters")"
        Terminal.complain("\(shown). `salvage dead show LETTER` tells all of one; `salvage dead stats` groups them.")
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
        let (found, counts) = try await broker.withShelf { shelf, _ in
            return (try await shelf.select(filter), shelf.look { $0.counts() })
        }
        let groups = LetterGroup.of(found)
        if json {
            let states = LetterState.allCases.map { ($0.rawValue, JSONValue.integer(Int64(counts[$0] ?? 0)) as JSONValue?) }
            let all = LetterView.object([
                ("total", .integer(Int64(found.count))), ("states", LetterView.object(states)), ("groups", .array(groups.map(LetterView.group))),
            ])
            return Terminal.show(String(decoding: all.bytes, as: UTF8.self))
        }
        let now = SystemClock().now()
        if groups.isEmpty { Terminal.show("No dead letters here.") } else {
            Terminal.table(
                ["count", "reason", "stage", "merchant", "may be", "oldest", "newest", "what to do"],
                groups.map { group in
                    [
                        String(group.count), group.reason.rawValue, group.stage.rawValue, group.merchantID?.text ?? "-", group.handling.words,
                        (now - group.oldest).inWords, (now - group.newest).inWords, group.reason.advice,
                    ]
                })
        }
        Terminal.complain("In all: " + LetterState.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ") + ".")
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

extension Moment.Span {
    /// How long ago, in the largest unit that says something.
    var inWords: String {
        let seconds = max(milliseconds / 1_000, 0)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
