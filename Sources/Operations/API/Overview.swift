import DeclineRecovery
import JSON

/// The overview as JSON: what goes on, what was recovered, what waits, what is not known.
enum Overview {
    static func json(
        _ flow: FlowStore, letters: LetterStore, jobs: JobRegistry, besides: [FleetStatus.Fault], now: Moment
    ) async throws(ConsoleError) -> JSONValue {
        let depths: [String: QueueDepth]
        let topology: TopologyLook
        let isLocked: Bool
        let alarm: String?
        do throws(BrokerFailure) {
            depths = try await flow.depths(now)
            topology = try await flow.topology(now)
            alarm = try await FleetStatus.alarm(flow, now: now)
            isLocked = try await flow.isLocked(now)
        } catch {
            throw .broker(error)
        }
        let acting = isLocked ? Self.acting(letters, jobs) : nil
        let standing = Standing(letters, flow)
        let status = FleetStatus(
            standing, flow, letters.names, depths: depths, topology: topology, alarm: alarm, besides: besides, now: now)
        let (ready, reading) = (flow.isReady, flow.reading)
        let queues = flow.queues.map { name, what, kind in
            JSONValue.object(of: [
                ("name", .string(name)), ("what", .string(what)), ("kind", .string(kind.rawValue)),
                ("ready", .integer(Int64(depths[name]?.ready ?? 0))), ("readers", depths[name].map { .integer(Int64($0.readers)) }),
            ])
        }
        // Made while the books are held: a copy of either would be paid for by its next fold.
        let dead: [(String, JSONValue?)] = letters.look { book in
            var counts = book.counts()
            let toDo = standing.toDo
            // One whose replay became another letter is seen to there, and one that the CRM mends by the CRM.
            let withCRM = standing.withCRM.values.reduce(0, +)
            counts[.open, default: 0] -= withCRM
            counts[.failedAgain] = toDo.values.reduce(0) { $0 + $1.values.reduce(0, +) } - (counts[.open] ?? 0)
            let reasons = toDo.map { reason, counts in (reason: reason, count: counts.values.reduce(0, +), inDoubt: counts[.reconcile] ?? 0)
            }
            .sorted { left, right in
                func rank(_ entry: (reason: DeadLetterReason, count: Int, inDoubt: Int)) -> Int {
                    LetterGroup.urgency(of: entry.reason, isInDoubt: entry.inDoubt > 0)
                }
                return (rank(left), right.count, left.reason.rawValue) < (rank(right), left.count, right.reason.rawValue)
            }
            return [
                (
                    "letters",
                    .object(
                        of:
                            LetterState.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) } + [
                                ("with_crm", .integer(Int64(withCRM))), ("in_doubt", .integer(Int64(standing.inDoubt))),
                            ])
                ),
                (
                    "reasons",
                    .array(
                        reasons.map { reason, count, inDoubt in
                            .object(of: [
                                ("reason", .string(reason.rawValue)), ("count", .integer(Int64(count))),
                                ("inDoubt", .integer(Int64(inDoubt))),
                            ])
                        })
                ),
            ]
        }
        let going: [(String, JSONValue?)] = flow.look { book in
            [
                ("flow", Self.flow(book, now)), ("days", days(book, now)), ("codes", codes(book, now)), ("parked", parked(book, now)),
                ("today", today(book, now)), ("parkedTotal", .integer(Int64(standing.parked))), ("unknowns", unknowns(book, now)),
                ("unknownTotal", .integer(Int64(standing.unknown))),
                ("oldestUnknown", standing.oldestUnknown.map { .integer($0.milliseconds) }),
                ("oldestUnknowns", oldestUnknowns(book)), ("overdue", overdue(book, now)),
            ]
        }
        return .object(
            of: [
                ("at", .integer(now.milliseconds)),
                (
                    "ready",
                    .object(of: [
                        ("letters", .bool(ready.letters)), ("journal", .bool(ready.journal)), ("workers", .bool(flow.workers.areKnown)),
                        ("journalUntil", reading?.until.map { .integer($0.milliseconds) }),
                        ("behindRollup", reading.map { .bool($0.isBehindRollup) }),
                    ])
                ),
                ("queues", .array(queues)), ("acting", acting),
                ("proposals", .integer(Int64(jobs.proposals.all.count { $0.isWaiting(at: now) }))), ("unreadable", unreadable(letters)),
                ("workers", workers(status.workers)), ("receivers", status.receiversJSON), ("circuits", status.circuitsJSON),
                ("pauses", PauseStore.json(status.heededPauses)),
                // Who has heard of nobody yet knows of nothing wrong.
                ("faults", flow.workers.areKnown ? status.faultsJSON : .array([])),
            ] + dead + going)
    }

    /// Who acts on dead letters at the moment, as far as it can be told: the lock has no name, and what is done at a terminal shows by
    /// its first record.
    private static func acting(_ letters: LetterStore, _ jobs: JobRegistry) -> JSONValue {
        func acts(_ by: String?, _ action: String?, _ since: Moment?, _ run: UUID5?) -> JSONValue {
            .object(of: [
                ("by", .text(by)), ("action", .text(action)), ("since", since.map { .integer($0.milliseconds) }),
                ("run", .text(run?.description)),
            ])
        }
        if let job = jobs.all.last(where: { !$0.progress.state.isOver && $0.progress.state != .waiting }) {
            return acts(job.by.name, job.order.word, job.startedAt, job.id)
        }
        return letters.look { book in
            if let run = book.runsNewestFirst.first, run.end == nil { return acts(run.by.name, "replay", run.startedAt, run.id) }
            return acts(nil, nil, nil, nil)
        }
    }

    private static func unreadable(_ letters: LetterStore) -> JSONValue {
        let (count, last) = letters.unreadable
        return .object(of: [("count", .integer(Int64(count))), ("last", .array(last.reversed().map { .string($0.sentence) }))])
    }

    /// What the CRM was told today (UTC), net of what went back.
    static func today(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let day = book.money.sums(ofDay: now.day)
        let told = day.filter { $0.key != "" && $0.value.sales.count + $0.value.returned.count > 0 }
        let amounts: [JSONValue] = told.keys.sorted().compactMap { currency in
            told[currency].map {
                .object(of: [("currency", .string(currency)), ("net", .integer($0.net)), ("returned", .integer($0.returned.units))])
            }
        }
        return .object(of: [
            ("approved", .integer(day.values.reduce(0) { $0 + Int64($1.sales.count) })),
            ("returned", .integer(day.values.reduce(0) { $0 + Int64($1.returned.count) })), ("amounts", .array(amounts)),
            ("oldestRecord", book.money.knownSince.map { .integer($0.milliseconds) }),
        ])
    }

    private static func flow(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let minutes = book.flow(now: now)
        return .object(of: [
            (
                "minutes",
                .array(
                    minutes.map { minute, counts in
                        .object(of: [
                            ("at", .integer(minute.milliseconds)),
                            ("stages", .object(of: Stage.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) })),
                        ])
                    })
            ),
            (
                "stages",
                .array(
                    Stage.allCases.map { stage in
                        // The minute that is under way would always look like a lull.
                        let last = minutes.dropLast().last?.counts[stage] ?? 0
                        return .object(of: [
                            ("stage", .string(stage.rawValue)), ("lastMinute", .integer(Int64(last))),
                            ("lastHour", .integer(Int64(minutes.reduce(0) { $0 + ($1.counts[stage] ?? 0) }))),
                            (
                                "fates",
                                .array(
                                    book.fates(of: stage, now: now).sorted { ($1.value, $0.key.word) < ($0.value, $1.key.word) }.map {
                                        fate, count in
                                        .object(of: [("fate", .string(fate.word)), ("count", .integer(Int64(count)))])
                                    })
                            ),
                        ])
                    })
            ),
        ])
    }

    /// Of the last so many days, by the sums that the page *Money* shows.
    private static let daysShown: Int64 = 30

    private static func offered(
        _ book: FlowBook, by group: MoneyReport.Group, _ now: Moment
    ) -> [(key: String, count: Int, members: [(String, JSONValue?)])] {
        let today = now.day
        let report = MoneyReport(book.money, .init(from: today - daysShown + 1, through: today, groups: [group]))
        return Dictionary(grouping: report.rows.filter { $0.sums.offered.count > 0 }) { $0.keys[0] }.map { key, rows in
            let all = rows.reduce(into: MoneySums()) { $0.add($1.sums) }
            let amounts = rows.filter { $0.currency != "" }.sorted { $0.currency < $1.currency }.map { row in
                JSONValue.object(of: [
                    ("currency", .string(row.currency)), ("offered", .integer(row.sums.offered.units)),
                    ("recovered", .integer(row.sums.recovered.units)),
                ])
            }
            return (
                key, all.offered.count,
                [
                    ("offered", .integer(Int64(all.offered.count))), ("ended", .integer(Int64(all.ended.count))),
                    ("recovered", .integer(Int64(all.recovered.count))), ("amounts", .array(amounts)),
                ]
            )
        }
    }

    static func days(_ book: FlowBook, _ now: Moment) -> JSONValue {
        .array(
            offered(book, by: .day, now).sorted { $0.key > $1.key }.map { day, _, members in .object(of: [("day", .string(day))] + members)
            })
    }

    static func codes(_ book: FlowBook, _ now: Moment) -> JSONValue {
        .array(
            offered(book, by: .code, now).filter { $0.key != "" }.sorted { ($1.count, $0.key) < ($0.count, $1.key) }.prefix(50).map {
                code, _, members in .object(of: [("code", .string(code))] + members)
            })
    }

    static func parked(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let steps: [(String, Moment.Span)] = [
            ("overdue", .milliseconds(-FlowBook.lateness.milliseconds)), ("within a minute", .minutes(1)), ("within an hour", .minutes(60)),
            ("within a day", .days(1)),
            ("within a week", .days(7)),
            ("later", .days(36_500)),
        ]
        return Self.histogram(book.open.values.compactMap { entry in entry.until.map { $0 - now } }, steps)
    }

    private static func unknowns(_ book: FlowBook, _ now: Moment) -> JSONValue {
        let steps: [(String, Moment.Span)] = [
            ("under 1 minute", .minutes(1)), ("under 10 minutes", .minutes(10)), ("under an hour", .minutes(60)), ("under a day", .days(1)),
            ("over a day", .days(36_500)),
        ]
        return Self.histogram(book.open.values.compactMap { entry in entry.unknownSince.map { now - $0 } }, steps)
    }

    private static func histogram(_ spans: [Moment.Span], _ steps: [(label: String, limit: Moment.Span)]) -> JSONValue {
        var counts = Array(repeating: 0, count: steps.count)
        for span in spans { if let index = steps.firstIndex(where: { span < $0.limit }) { counts[index] += 1 } }
        return .array(zip(steps, counts).map { .object(of: [("label", .string($0.label)), ("count", .integer(Int64($1)))]) })
    }

    private static func workers(_ workers: [FleetStatus.Worker]) -> JSONValue {
        .array(
            workers.map { worker in
                let inFlight: [JSONValue] = worker.pulse.inFlight.map {
                    .object(of: [("stage", .string($0.stage.rawValue)), ("count", .integer(Int64($0.count)))])
                }
                let circuits: [JSONValue] = worker.pulse.circuits.map { circuit in
                    .object(of: [
                        ("merchant", .string(circuit.merchantID.text)), ("gateway", .string(circuit.gatewayID.text)),
                        ("state", .string(circuit.state.rawValue)),
                    ])
                }
                return .object(of: worker.members + [("inFlight", .array(inFlight)), ("circuits", .array(circuits))])
            })
    }

    /// Whose time is over, and which nobody has taken up: the oldest.
    static func overdue(_ book: FlowBook, _ now: Moment) -> JSONValue {
        .array(
            book.overdue(now: now).sorted { $0.until < $1.until }.prefix(20).map { entry, until in
                .object(of: [
                    ("reference", .string(entry.reference.text)), ("merchantId", .text(entry.merchantID?.text)),
                    ("until", .integer(until.milliseconds)), ("phase", .string(entry.phase)),
                ])
            })
    }

    private static func oldestUnknowns(_ book: FlowBook) -> JSONValue {
        let unknown = book.open.values.compactMap { entry in entry.unknownSince.map { (entry: entry, since: $0) } }
        return .array(
            unknown.sorted { $0.since < $1.since }.prefix(20).map { entry, since in
                .object(of: [
                    ("reference", .string(entry.reference.text)), ("merchantId", .text(entry.merchantID?.text)),
                    ("since", .integer(since.milliseconds)), ("phase", .string(entry.phase)),
                ])
            })
    }
}
