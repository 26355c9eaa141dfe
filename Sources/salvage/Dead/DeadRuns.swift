import ArgumentParser
import Broker
import DeclineRecovery
import Operations
import Service

struct DeadRuns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Show runs of replays, the newest first: who, when, and how far they came.")

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print each run as a line of JSON.")
    var json = false

    func run() async throws {
        let (runs, unfinished, isBusy) = try await broker.withShelf { shelf, settings in
            let isBusy = try await shelf.link.isLocked(settings.names.deadLock)
            return shelf.look { ($0.runsNewestFirst, Set($0.unfinishedRuns.map(\.id)), isBusy) }
        }
        if json {
            for run in runs { Terminal.show(String(decoding: LetterView.run(run, isUnderWay: isBusy).bytes, as: UTF8.self)) }
            return
        }
        if runs.isEmpty { return Terminal.show("Nothing was replayed yet.") }
        Terminal.table(
            ["run", "by", "began", "letters", "sent", "failed", "end", "note"],
            runs.map { run in
                [
                    String(run.id.description.prefix(8)), run.by.name, run.startedAt.rfc3339, String(run.letters.count),
                    String(run.replayed.union(run.failed).count), String(run.failed.count),
                    unfinished.contains(run.id) ? run.end == nil && isBusy ? "at it" : "not finished" : run.end?.how.rawValue ?? "-", run.note ?? "",
                ]
            },
            fits: true, colour: { unfinished.contains(runs[$0].id) ? .yellow : nil })
        if !unfinished.isEmpty, !isBusy { Terminal.complain("`salvage dead replay --resume RUN` finishes one.") }
    }
}
