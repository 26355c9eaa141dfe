import DeclineRecovery
import JSON
import Pipeline
import TestSupport

/// What becomes of one message in a stage, and of all that it leads to there, in virtual time, until nothing is left to do.
struct StageTimeline {
    let stage: Stage
    let clock: ManualClock
    /// A line for each step, as the journal keeps it.
    private(set) var lines: [String] = []
    private(set) var results: [JSONValue] = []
    private(set) var letters: [DeadLetter] = []
    /// What went on to another stage.
    private(set) var passed: [(stage: Stage, message: StageMessage)] = []

    init(_ stage: Stage, _ clock: ManualClock) {
        self.stage = stage
        self.clock = clock
    }

    /// The code of each result's reason, in order.
    var reasons: [String] { results.map { $0["data"]?["reason"]?["code"]?.string ?? "" } }

    mutating func run(_ recovery: Recovery, _ handle: (IncomingMessage) async -> StageOutcome) async throws {
        try await run(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type), handle)
    }

    mutating func run(_ first: IncomingMessage, _ handle: (IncomingMessage) async -> StageOutcome) async throws {
        var waiting = [(message: first, due: clock.now())]
        while let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) {
            let next = waiting.remove(at: index)
            if clock.now() < next.due { clock.pass(next.due - clock.now()) }
            let outcome = await handle(next.message)
            for sent in outcome.publishing(from: stage, at: clock.now(), worker: "w-1", traceparent: nil) {
                switch sent.destination {
                case .journal: if let record = JournalRecord.decode(sent.body) { lines.append("\(record.fate.word) \(record.detail)") }
                case .results: results.append(try JSONValue(parsing: sent.body.span))
                case .deadLetters: letters.append(try DeadLetter.decode(sent.body).get())
                case .stage(let other) where other != stage: passed.append((other, sent))
                case .stage: waiting.append((IncomingMessage(body: sent.body, type: sent.type), clock.now()))
                case .delayed(_, let span): waiting.append((IncomingMessage(body: sent.body, type: sent.type), clock.now() + span))
                case .reply, .cancels: break
                }
            }
            if lines.count > 500 { throw Endless() }
        }
    }

    private struct Endless: Error {}
}
