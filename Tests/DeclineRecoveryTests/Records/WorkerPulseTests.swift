import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct WorkerPulseTests {
    static func pulse(_ circuits: [WorkerPulse.Circuit]) -> WorkerPulse {
        WorkerPulse(
            workerID: "salvage pod-1 7", host: "pod-1", version: "0.1.0", startedAt: Moment(milliseconds: 1_000),
            at: Moment(milliseconds: 5_000),
            stages: [.intake, .suspects], inFlight: [.init(stage: .intake, count: 3), .init(stage: .suspects, count: 0)],
            circuits: circuits,
            claims: WorkerPulse.Claims(offset: 7, lag: .milliseconds(300), isCaughtUp: true),
            quiet: .init(since: Moment(milliseconds: 4_000), until: Moment(milliseconds: 9_000), by: "ada", why: "its node goes"),
            idle: [.intake], complaints: ["topology: recovery.intake: the broker refuses (404)"],
            refusing: [
                .init(
                    place: "exchange 'recovery.results' with key 'new_sale.approved'", count: 2, since: Moment(milliseconds: 3_000),
                    why: "no such exchange", triedAt: Moment(milliseconds: 8_000))
            ], takesWebhooks: true)
    }

    @Test func whoTakesWebhooksAloneHasNotStopped() throws {
        let at = Moment(milliseconds: 1)
        let receiver = WorkerPulse(
            workerID: "w", host: "h", version: "1", startedAt: at, at: at, stages: [], inFlight: [], circuits: [], takesWebhooks: true)
        let read = try #require(WorkerPulse.decode(receiver.encoded()))
        #expect(read == receiver && !read.isFarewell)
        #expect(read.farewell(at: at).isFarewell && Self.pulse([]).farewell(at: at).isFarewell)
    }

    @Test func whatAWorkerServesAloneIsWhatNobodyElseDoesWhoIsNotPaused() {
        func worker(_ id: String, _ stages: [Stage], isQuiet: Bool = false, isCaughtUp: Bool? = nil, idle: [Stage] = []) -> WorkerPulse {
            let now = Moment(milliseconds: 5_000)
            return WorkerPulse(
                workerID: id, host: "h", version: "1", startedAt: now, at: now, stages: stages, inFlight: [], circuits: [],
                claims: isCaughtUp.map { .init(offset: 7, lag: .milliseconds(0), isCaughtUp: $0) },
                quiet: isQuiet ? .init(since: now, until: now + .minutes(1), by: "ada", why: "w") : nil, idle: idle)
        }
        func alone(_ target: Pause.Target) -> [Stage] {
            WorkerPulse.stages(
                servedBy: target,
                aloneAmong: [
                    worker("a", [.intake, .cascade, .retry]), worker("b", [.intake], isCaughtUp: true),
                    worker("c", [.cascade, .held], isQuiet: true), worker("e", [.retry], isCaughtUp: false),
                    worker("f", [.cascade], idle: [.cascade]),
                ])
        }
        #expect(alone(.worker("a")) == [.cascade, .retry])
        #expect(
            alone(.worker("b")) == [] && alone(.worker("c")) == [] && alone(.worker("d")) == [] && alone(.worker("f")) == []
                && alone(.stage(.cascade)) == [])
    }

    @Test func whatIsWrittenIsReadAgain() {
        let pulse = Self.pulse([
            .init(
                merchantID: "acme", gatewayID: "42", state: .open,
                trouble: .init(
                    since: Moment(milliseconds: 2_000), triedAt: Moment(milliseconds: 7_000),
                    failures: ["timed_out": 18, "server_error": 2],
                    last: "timed_out", words: "no answer in time")),
            .init(merchantID: "acme", gatewayID: "43", state: .trying),
            .init(
                merchantID: "bold", gatewayID: "0", state: .closed,
                refusal: .init(since: Moment(milliseconds: 3_000), words: "FlexFactor refuses appKey")),
            .init(merchantID: "bold", gatewayID: "1", state: .closed),
        ])
        #expect(WorkerPulse.decode(pulse.encoded()) == pulse)
    }

    @Test func aWorkerOfAnOlderVersionSaysLess() {
        let text =
            #"{"type": "com.salvage.worker.pulse.v1", "data": {"id": "w", "host": "h", "version": "0", "startedAt": 1, "at": 2, "stages": ["intake"], "inFlight": [], "circuits": [{"merchant": "acme", "gateway": "42", "state": "open"}]}}"#
        let pulse = WorkerPulse.decode(Array(text.utf8))
        #expect(
            pulse?.claims == nil && pulse?.quiet == nil && pulse?.circuits == [.init(merchantID: "acme", gatewayID: "42", state: .open)])
    }

    @Test func whatAWorkerDoesNotSayIsNothing() {
        let text =
            #"{"type": "com.salvage.worker.pulse.v1", "data": {"id": "w", "host": "h", "version": "0", "startedAt": 1, "at": 2, "stages": ["intake"], "inFlight": [], "circuits": [], "later": {"x": 1}}}"#
        let pulse = WorkerPulse.decode(Array(text.utf8))
        #expect(pulse?.served == [.intake] && pulse?.complaints == [] && pulse?.refusing == [])
    }

    @Test func whatAWorkerComplainsOfIsCut() {
        let at = Moment(milliseconds: 1)
        let long = String(repeating: "x", count: 1_000)
        let pulse = WorkerPulse(
            workerID: "w", host: "h", version: "1", startedAt: at, at: at, stages: [.intake], inFlight: [], circuits: [],
            complaints: Array(repeating: long, count: 50),
            refusing: Array(repeating: .init(place: long, count: 1, since: at, why: long), count: 50))
        #expect(pulse.complaints.count == 20 && pulse.complaints.allSatisfy { $0.count == 300 })
        #expect(pulse.refusing.count == 20 && pulse.refusing.allSatisfy { $0.place.count == 300 && $0.why.count == 300 })
    }

    /// It is said every other second, and the pause itself has all of it.
    @Test func whyItIsQuietIsCut() {
        let long = String(repeating: "e\u{301}", count: 10_000)
        let quiet = WorkerPulse.Quiet(since: Moment(milliseconds: 1), until: Moment(milliseconds: 2), by: "ada", why: long)
        #expect(quiet.why.unicodeScalars.count == 200 && long.hasPrefix(quiet.why))
    }

    @Test func aCircuitsWordsAreCut() {
        for letter in ["x", "e\u{301}"] {
            let trouble = WorkerPulse.Circuit.Trouble(
                since: Moment(milliseconds: 1), triedAt: Moment(milliseconds: 2), failures: [:], last: "not_sent",
                words: String(repeating: letter, count: 1_000))
            #expect(trouble.words.unicodeScalars.count == 300)
        }
    }

    @Test func openCircuitsComeFirstAndTheRestIsCut() {
        let closed = (0..<2_000).map { WorkerPulse.Circuit(merchantID: MerchantID("m\($0)"), gatewayID: "1", state: .closed) }
        let pulse = Self.pulse(closed + [.init(merchantID: "zulu", gatewayID: "9", state: .open)])
        #expect(pulse.circuits.count == WorkerPulse.mostCircuits)
        #expect(pulse.circuits.first == .init(merchantID: "zulu", gatewayID: "9", state: .open))
    }

    @Test func whatIsNoPulseIsNone() {
        #expect(WorkerPulse.decode(Array("{}".utf8)) == nil)
        #expect(WorkerPulse.decode([0xFF]) == nil)
    }

    /// Whoever may publish pulses writes what he likes, and it is added up.
    @Test func countsThatNobodyCanAddUpAreBounded() throws {
        let pulse = Self.pulse([
            .init(
                merchantID: "acme", gatewayID: "42", state: .open,
                trouble: .init(
                    since: Moment(milliseconds: 1), triedAt: Moment(milliseconds: 2), failures: ["a": .max, "b": 1], last: "a", words: "w"))
        ])
        let read = try #require(WorkerPulse.decode(pulse.encoded()))
        #expect(read.circuits.first?.trouble?.failures.values.reduce(0, +) == 1_000_000_001)
    }

    @Test func aStageOfANewerWorkerIsLeftOut() {
        let text = String(decoding: Self.pulse([]).encoded(), as: UTF8.self).replacing("\"suspects\"", with: "\"later\"")
        #expect(WorkerPulse.decode(Array(text.utf8))?.stages == [.intake])
        #expect(WorkerPulse.decode(Array(text.utf8))?.inFlight.count == 1)
    }
}
