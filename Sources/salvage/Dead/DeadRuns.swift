import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Operations
import Service

struct DeadRuns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Show what people did to letters, the newest first: who, when, and how far they came.")

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print each run as a line of JSON.")
    var json = false

    func run() async throws {
        let (runs, acts, unfinished, isBusy) = try await broker.withStore { store in
            let isBusy = try await store.broker.lock.isTaken()
            return store.look { ($0.runsNewestFirst, $0.actsNewestFirst, Set($0.unfinishedRuns.map(\.id)), isBusy) }
        }
        if json {
            var all: [(at: Moment, json: JSONValue)] = runs.map { ($0.startedAt, RunView($0, isUnderWay: isBusy).json) }
            for act in acts { all.append((act.startedAt, RunView(act).json)) }
            for entry in all.sorted(by: { $0.at > $1.at }) { Terminal.show(bytes: entry.json.bytes) }
            return
        }
        if runs.isEmpty, acts.isEmpty { return Terminal.show("Nothing was done yet.") }
        var rows: [Row] = runs.map { Row($0, isOpen: unfinished.contains($0.id), isBusy: isBusy) }
        rows += acts.map { Row($0) }
        let sorted = rows.sorted { $0.at > $1.at }
        Terminal.table(
            ["run", "what", "by", "began", "letters", "done", "failed", "end", "note"], sorted.map { $0.cells }, fits: true,
            colour: { sorted[$0].isOpen ? .yellow : nil })
        if !unfinished.isEmpty, !isBusy { Terminal.complain("`salvage dead replay --resume RUN` finishes one.") }
    }
}

private struct Row {
    let at: Moment
    let isOpen: Bool
    let cells: [String]

    init(_ run: ReplayRun, isOpen: Bool, isBusy: Bool) {
        at = run.startedAt
        self.isOpen = isOpen
        let sent = run.replayed.union(run.failed).count
        let unfinished = run.end == nil && isBusy ? "at it" : "not finished"
        let end = isOpen ? unfinished : run.end?.how.rawValue ?? "-"
        cells = [
            String(run.id.description.prefix(8)), "replay", run.by.name, run.startedAt.rfc3339, String(run.letters.count), String(sent),
            String(run.failed.count), end, run.note ?? "",
        ]
    }

    init(_ act: LetterAct) {
        at = act.startedAt
        isOpen = false
        cells = [
            String(act.id.description.prefix(8)), act.action.rawValue, act.by.name, act.startedAt.rfc3339,
            String(act.succeeded + act.failed), String(act.succeeded), String(act.failed), "-", act.note ?? "",
        ]
    }
}
