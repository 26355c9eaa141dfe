package import DeclineRecovery
package import JSON

/// How a fleet is, for whoever is called at night: what is wrong first, and what there is besides. Counted where the overview and the
/// metrics count (`Standing`).
package struct FleetStatus: Sendable {
    /// What is wrong, a sentence each, with what to do; none where all is well.
    package let faults: [Fault]
    package let workers: [Worker]
    package let queues: [(name: String, what: String, ready: Int)]
    package let pauses: [Pause]
    package let parked: Int
    package let overdue: Int
    package let oldestOverdue: Moment?
    package let unknown: Int
    package let inDoubt: Int
    package let oldestUnknown: Moment?
    package let lettersToDo: Int

    package struct Fault: Sendable, Equatable {
        package let what: String
        package let advice: String
    }

    package struct Worker: Sendable {
        package let pulse: WorkerPulse
        package let isSilent: Bool
    }

    /// For so long a worker says nothing that says something every other second.
    private static let silence: Moment.Span = .seconds(15)

    package init(_ letters: LetterStore, _ flow: FlowStore, _ names: TopologyNames, now: Moment) async throws(BrokerFailure) {
        self.init(Standing(letters, flow), flow, names, depths: try await flow.depths(now), now: now)
    }

    /// - Parameter depths: of the queues, by name.
    init(_ standing: Standing, _ flow: FlowStore, _ names: TopologyNames, depths: [String: Int], now: Moment) {
        workers = flow.pulses.map { Worker(pulse: $0, isSilent: now - $0.at > Self.silence) }
        queues = flow.queues.filter { $0.kind == .work }.map { ($0.name, $0.what, depths[$0.name] ?? 0) }
        pauses = flow.pauses.pauses.inForce(at: now)
        parked = standing.parked
        // What is due this minute may be on its way.
        let late = flow.look { book in book.open.values.compactMap(\.until).filter { now - $0 > .minutes(1) } }
        overdue = late.count
        oldestOverdue = late.min()
        unknown = standing.unknown
        inDoubt = standing.inDoubt
        oldestUnknown = standing.oldestUnknown
        lettersToDo = standing.toDo.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        faults = Self.faults(workers, queues, pauses, standing, lettersToDo, overdue: overdue, names)
    }

    private static func faults(
        _ workers: [Worker], _ queues: [(name: String, what: String, ready: Int)], _ pauses: [Pause], _ standing: Standing,
        _ lettersToDo: Int,
        overdue: Int, _ names: TopologyNames
    ) -> [Fault] {
        var faults: [Fault] = []
        func say(_ what: String, _ advice: String) { faults.append(Fault(what: what, advice: advice)) }
        func count(_ number: Int, _ one: String, _ many: String) -> String { number == 1 ? "one \(one)" : "\(number) \(many)" }
        let alive = workers.filter { !$0.isSilent }.map(\.pulse)
        if alive.isEmpty { say("No worker runs: what comes in waits in its queue.", "Start `salvage run`.") }
        for worker in workers where worker.isSilent {
            say("The worker \(worker.pulse.workerID) is silent.", "Look whether \(worker.pulse.host) is alive, and at its log.")
        }
        let served = Set(alive.flatMap(\.stages))
        if !alive.isEmpty {
            for stage in Stage.allCases where !served.contains(stage) {
                let waiting = queues.first { $0.name == names.queue(of: stage) }?.ready ?? 0
                say(
                    "No worker serves the stage \(stage.rawValue); \(count(waiting, "message waits", "messages wait")).",
                    "Start one with it among SALVAGE_STAGES.")
            }
        }
        var circuits: [String: (open: Int, all: Int)] = [:]
        for circuit in alive.flatMap(\.circuits) {
            let name = "gateway \(circuit.gatewayID) of merchant \(circuit.merchantID)"
            circuits[name, default: (0, 0)].all += 1
            if circuit.state != .closed { circuits[name, default: (0, 0)].open += 1 }
        }
        for (name, counts) in circuits.sorted(by: { $0.key < $1.key }) where counts.open > 0 {
            say(
                "FlexFactor is away for \(name), at \(counts.open) of \(count(counts.all, "worker", "workers")): cascades are skipped, retries wait.",
                "docs/runbooks/SalvageCircuitOpen.md")
        }
        if standing.inDoubt > 0 {
            say(
                "Of \(count(standing.inDoubt, "charge", "charges")) nobody knows whether it happened, and a person must see to it.",
                "`salvage dead reconcile --all`")
        }
        if lettersToDo > standing.inDoubt {
            say(
                "\(count(lettersToDo - standing.inDoubt, "dead letter waits", "dead letters wait")) for an operator.", "`salvage dead list`"
            )
        }
        if standing.unreadable > 0 {
            say(
                "\(count(standing.unreadable, "message", "messages")) among the dead letters cannot be read by this version.",
                "Upgrade this command.")
        }
        let isWaiting = Set(pauses.map(\.target))
        if overdue > 0, !isWaiting.contains(.stage(.retry)), !isWaiting.contains(.stage(.cascade)) {
            say(
                "\(count(overdue, "recovery is", "recoveries are")) due for more than a minute and not taken up.",
                "docs/runbooks/SalvageParkedLate.md")
        }
        for (stage, advice) in [(Stage.held, "docs/runbooks/SalvagePlacesRefuse.md"), (.unrouted, "docs/runbooks/SalvageUnroutable.md")] {
            guard let queue = queues.first(where: { $0.name == names.queue(of: stage) }), queue.ready > 0 else { continue }
            say("\(count(queue.ready, "message waits", "messages wait")) in \(queue.name): \(queue.what).", advice)
        }
        return faults
    }

    var faultsJSON: JSONValue {
        .array(faults.map { .object(of: [("what", .string($0.what)), ("advice", .string($0.advice))]) })
    }

    package var json: JSONValue {
        func number(_ count: Int) -> JSONValue { .integer(Int64(count)) }
        return .object(of: [
            ("well", .bool(faults.isEmpty)),
            ("faults", faultsJSON),
            (
                "workers",
                .array(
                    workers.map { worker in
                        .object(of: [
                            ("id", .string(worker.pulse.workerID)), ("host", .string(worker.pulse.host)),
                            ("version", .string(worker.pulse.version)), ("silent", .bool(worker.isSilent)),
                            ("stages", .array(worker.pulse.stages.map { .string($0.rawValue) })),
                            ("seenAt", .integer(worker.pulse.at.milliseconds)),
                        ])
                    })
            ),
            ("queues", .object(of: queues.map { ($0.name, number($0.ready)) })),
            ("pauses", PauseStore.json(pauses)),
            ("parked", number(parked)), ("overdue", number(overdue)),
            ("oldestOverdue", oldestOverdue.map { .integer($0.milliseconds) }),
            ("unknown", number(unknown)), ("inDoubt", number(inDoubt)), ("oldestUnknown", oldestUnknown.map { .integer($0.milliseconds) }),
            ("lettersToDo", number(lettersToDo)),
        ])
    }
}
