public import Broker
public import DeclineRecovery
import Synchronization

/// What goes on in the fleet, as this process sees it: the journal's fold, kept up to date, and how full the queues are.
public final class FlowShelf: Sendable {
    private struct State {
        var book = FlowBook()
        var lettersReady = false
        var journalReady = false
        var depths: (at: Moment, counts: [String: Int])?
        var workers: [String: WorkerPulse] = [:]
    }

    private let link: BrokerLink
    private let names: TopologyNames
    private let state = Mutex(State())

    public init(_ link: BrokerLink, _ names: TopologyNames) {
        self.link = link
        self.names = names
    }

    /// Begins to follow the journal, from as far back as its book reaches.
    public func follow(now: Moment) async throws(BrokerError) {
        let since = now.milliseconds / 1_000 - FlowBook.days * 86_400
        let reading = try await link.read(names.journal, from: .time(UInt64(max(since, 0)))) { [self] entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            state.withLock { state in for record in records { state.book.take(record) } }
        }
        if let end = try await link.lastOffset(of: names.journal) {
            while reading.lastOffset < end, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
        }
        state.withLock { $0.journalReady = true }
    }

    /// Begins to listen to the workers.
    public func listen() async throws(BrokerError) {
        _ = try await link.read(names.pulse, from: .next) { [self] entries in
            for pulse in entries.compactMap({ WorkerPulse.decode($0.body) }) {
                state.withLock { state in
                    state.workers[pulse.workerID] = pulse
                    // Pods come and go under new names.
                    state.workers = state.workers.filter { pulse.at - $0.value.at < .minutes(5) }
                }
            }
        }
    }

    /// The letters were read to their end.
    public func lettersAreReady() { state.withLock { $0.lettersReady = true } }

    public var isReady: (letters: Bool, journal: Bool) { state.withLock { ($0.lettersReady, $0.journalReady) } }

    /// Charges whose outcome is not known, and since when the oldest is not; recoveries that are put away.
    public func standing(now: Moment) -> (unknown: Int, oldest: Moment.Span?, parked: Int) {
        state.withLock { state in
            let unknown = state.book.open.values.compactMap(\.unknownSince)
            return (unknown.count, unknown.min().map { now - $0 }, state.book.open.values.count { $0.until != nil })
        }
    }

    // MARK: Overview

    func overview(letters: LetterShelf, now: Moment) async throws(ConsoleError) -> JSONValue {
        let depths = try await depths(now)
        let book = state.withLock { $0.book }
        let ready = isReady
        let (counts, reasons) = letters.look { book in
            var counts = book.counts()
            // One whose replay became another letter is seen to there.
            counts[.failedAgain] = book.cases.values.count { $0.state == .failedAgain && $0.isToDo }
            return (counts, Dictionary(grouping: book.cases.values.filter(\.isToDo), by: \.reason).mapValues(\.count))
        }
        return LetterView.object([
            ("at", .integer(now.milliseconds)),
            ("ready", LetterView.object([("letters", .bool(ready.letters)), ("journal", .bool(ready.journal))])),
            ("letters", LetterView.object(LetterState.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) })),
            ("reasons", .array(reasons.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map { reason, count in
                LetterView.object([("reason", .string(reason.rawValue)), ("count", .integer(Int64(count)))])
            })),
            ("flow", flow(book, now)), ("days", days(book)), ("codes", codes(book)),
            ("queues", .array(queues.map { name, what in
                LetterView.object([("name", .string(name)), ("what", .string(what)), ("ready", .integer(Int64(depths[name] ?? 0)))])
            })),
            ("parked", parked(book, now)), ("parkedTotal", .integer(Int64(book.open.values.count { $0.until != nil }))),
            ("unknowns", unknowns(book, now)), ("oldestUnknowns", oldestUnknowns(book)), ("workers", workers()),
        ])
    }

    private var queues: [(String, String)] {
        [
            (names.intake, "declines and commands that came in"), (names.cascade, "cascades: a customer waits"), (names.retry, "retries whose step is due"),
            (names.outcomes, "news of FlexFactor's webhooks"), (names.suspects, "what was in work as workers ended: tried alone"),
            (names.unrouted, "results that nobody had bound a queue for"),
            (names.crmResults, "results that the CRM has not taken"),
        ] + DelayLadder.rungs.map { (names.delays[$0], "put away, step of \(DelayLadder.span(ofRung: $0).milliseconds / 1_000) s") }
    }

    /// At most every two seconds, however many look.
    private func depths(_ now: Moment) async throws(ConsoleError) -> [String: Int] {
        if let known = state.withLock({ $0.depths }), now - known.at < .seconds(2) { return known.counts }
        var counts: [String: Int] = [:]
        for (name, _) in queues {
            do throws(BrokerError) {
                counts[name] = try await link.readyCount(of: name)
            } catch .refused(404, _) {
                continue
            } catch {
                throw .broker(error)
            }
        }
        state.withLock { [counts] in $0.depths = (now, counts) }
        return counts
    }

    private func flow(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let minutes = book.flow(now: now)
        return LetterView.object([
            ("minutes", .array(minutes.map { minute, counts in
                LetterView.object([
                    ("at", .integer(minute.milliseconds)),
                    ("stages", LetterView.object(Stage.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) })),
                ])
            })),
            ("stages", .array(Stage.allCases.map { stage in
                // The minute that is under way would always look like a lull.
                let last = minutes.dropLast().last?.counts[stage] ?? 0
                return LetterView.object([
                    ("stage", .string(stage.rawValue)), ("lastMinute", .integer(Int64(last))),
                    ("lastHour", .integer(Int64(minutes.reduce(0) { $0 + ($1.counts[stage] ?? 0) }))),
                    ("fates", .array(book.fates(of: stage, now: now).sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { fate, count in
                        LetterView.object([("fate", .string(fate)), ("count", .integer(Int64(count)))])
                    })),
                ])
            })),
        ])
    }

    private func tally(_ tally: FlowBook.Tally) -> [(String, JSONValue?)] {
        [
            ("offered", .integer(Int64(tally.offered))), ("ended", .integer(Int64(tally.ended))), ("recovered", .integer(Int64(tally.recovered))),
            ("amounts", .array(Set(tally.offeredAmounts.keys).union(tally.recoveredAmounts.keys).sorted().map { currency in
                LetterView.object([
                    ("currency", .string(currency)), ("offered", .integer(tally.offeredAmounts[currency] ?? 0)),
                    ("recovered", .integer(tally.recoveredAmounts[currency] ?? 0)),
                ])
            })),
        ]
    }

    private func days(_ book: FlowBook) -> JSONValue {
        .array(book.days.sorted { $0.key > $1.key }.prefix(30).map { day, tally in
            LetterView.object([("day", .string(String(Moment(milliseconds: day * 86_400_000).rfc3339.prefix(10))))] + self.tally(tally))
        })
    }

    private func codes(_ book: FlowBook) -> JSONValue {
        .array(book.codes.sorted { ($1.value.offered, $0.key) < ($0.value.offered, $1.key) }.prefix(50).map { code, tally in
            LetterView.object([("code", .string(code))] + self.tally(tally))
        })
    }

    private func parked(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let steps: [(String, Moment.Span)] = [
            ("overdue", .seconds(0)), ("within a minute", .minutes(1)), ("within an hour", .minutes(60)), ("within a day", .days(1)), ("within a week", .days(7)),
            ("later", .days(36_500)),
        ]
        return Self.histogram(book.open.values.compactMap { entry in entry.until.map { $0 - now } }, steps)
    }

    private func unknowns(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let steps: [(String, Moment.Span)] = [
            ("under 1 minute", .minutes(1)), ("under 10 minutes", .minutes(10)), ("under an hour", .minutes(60)), ("under a day", .days(1)),
            ("over a day", .days(36_500)),
        ]
        return Self.histogram(book.open.values.compactMap { entry in entry.unknownSince.map { now - $0 } }, steps)
    }

    private static func histogram(_ spans: [Moment.Span], _ steps: [(label: String, limit: Moment.Span)]) -> JSONValue {
        var counts = Array(repeating: 0, count: steps.count)
        for span in spans { if let index = steps.firstIndex(where: { span < $0.limit }) { counts[index] += 1 } }
        return .array(zip(steps, counts).map { LetterView.object([("label", .string($0.label)), ("count", .integer(Int64($1)))]) })
    }

    private func workers() -> JSONValue {
        let pulses = state.withLock { $0.workers.values.sorted { ($0.host, $0.workerID) < ($1.host, $1.workerID) } }
        return .array(pulses.map { pulse in
            LetterView.object([
                ("id", .string(pulse.workerID)), ("host", .string(pulse.host)), ("version", .string(pulse.version)),
                ("stages", .array(pulse.stages.map { .string($0.rawValue) })),
                ("inFlight", .array(pulse.inFlight.map { LetterView.object([("stage", .string($0.stage.rawValue)), ("count", .integer(Int64($0.count)))]) })),
                ("seenAt", .integer(pulse.at.milliseconds)),
                ("circuits", .array(pulse.circuits.map { circuit in
                    LetterView.object([
                        ("merchant", .string(circuit.merchantID.text)), ("gateway", .string(circuit.gatewayID.text)), ("state", .string(circuit.state.rawValue)),
                    ])
                })),
            ])
        })
    }

    private func oldestUnknowns(_ book: FlowBook) -> JSONValue {
        let unknown = book.open.values.compactMap { entry in entry.unknownSince.map { (entry: entry, since: $0) } }
        return .array(unknown.sorted { $0.since < $1.since }.prefix(20).map { entry, since in
            LetterView.object([
                ("reference", .string(entry.reference.text)), ("merchantId", LetterView.text(entry.merchantID?.text)),
                ("since", .integer(since.milliseconds)), ("phase", .string(entry.phase)),
            ])
        })
    }
}
