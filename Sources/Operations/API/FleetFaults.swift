import DeclineRecovery

/// What is wrong with a fleet, the worst first: each fault in a sentence, with what to do about it.
struct FleetFaults {
    typealias Queue = (name: String, what: String, ready: Int)

    private(set) var faults: [FleetStatus.Fault] = []
    private let names: TopologyNames
    private let missing: [TopologyLook.Place]

    /// A claim is good for ten seconds; who reads them later than half of that charges little.
    private static let mostLag: Moment.Span = .seconds(5)

    /// - Parameter missing: what is gone at the broker, which is said first.
    init(_ names: TopologyNames, missing: [TopologyLook.Place]) {
        self.names = names
        self.missing = missing
        addMissing()
    }

    private mutating func say(
        _ kind: FleetStatus.Fault.Kind, of subject: String = "", since: Moment? = nil, _ what: String, _ advice: String
    ) {
        faults.append(FleetStatus.Fault(kind: kind, subject: subject, since: since, what: what, advice: advice))
    }

    /// As many workers as one sentence names, and how many there are besides.
    private static func named(_ workers: [String]) -> String {
        let first = workers.prefix(5)
        let more = workers.count - first.count
        return first.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    /// What is gone at the broker. Of the exchange that only the CRM publishes to no worker knows, for it has nothing to do with it.
    private mutating func addMissing() {
        for place in missing {
            var (what, advice) = ("The \(place) does not exist", "")
            switch place {
            case .exchange(let name):
                what += name == names.declines ? ": nothing that the CRM publishes is taken." : ": what is published there is refused."
                advice = mending("SalvagePlacesRefuse")
            case .queue(names.claims):
                what += ": what is claimed stood there, and before it is declared anew somebody must decide how to go on."
                advice = mending("SalvageClaimsBehind")
            case .queue:
                what += "."
                advice = mending("SalvageQueueUnread")
            }
            say(.topologyIncomplete, of: "\(place)", what, advice)
        }
    }

    /// The broker takes no messages, and so nobody's word that he works.
    mutating func add(alarm: String) {
        say(
            .brokerBlocked,
            "The broker takes no messages (its alarm: \(alarm)): nothing can be finished, and of no worker anything is heard.",
            "Free memory or disk at the broker, as `rabbitmqctl status` says: docs/runbooks/SalvageBrokerBlocked.md")
    }

    /// Who works, and for what nobody does.
    mutating func add(_ workers: [FleetStatus.Worker], _ receivers: [FleetStatus.Worker], _ queues: [Queue]) {
        let (alive, all) = (workers.filter { !$0.isSilent }, workers + receivers)
        if all.allSatisfy({ $0.isSilent }), let place = missing.first(where: { $0 == .exchange(names.pulse) || $0 == .queue(names.pulse) })
        {
            // Who is silent then is not amiss for that.
            return say(
                .noWorkers,
                "No worker is heard of, for the \(place), by which each says how it is, does not exist: whether one runs nobody can say.",
                mending("SalvageNoWorkers"))
        }
        if alive.isEmpty {
            say(
                .noWorkers, "No worker runs: what comes in waits in its queue.",
                "Start `salvage run`; one that runs and is not heard says at its `/readyz` what it waits for.")
        }
        for process in all where process.isSilent {
            let pulse = process.pulse
            say(
                .workerSilent, of: pulse.workerID, since: pulse.at, "The \(process.name) is silent.",
                "Look whether \(pulse.host) is alive, and at its log.")
        }
        for process in all where !process.isSilent {
            add(claimsOf: process)
            add(complaintsOf: process)
        }
        if alive.isEmpty { return }
        let served = Set(alive.filter(\.isWorking).flatMap(\.pulse.served))
        let coming = Set(alive.filter { !$0.isReady && !$0.waitsForTopology }.flatMap(\.pulse.stages))
        for stage in Stage.allCases where !served.contains(stage) {
            let waiting = queues.first { $0.name == names.queue(of: stage) }?.ready ?? 0
            let waits = waiting.counted("message waits", "messages wait")
            if coming.contains(stage) {
                say(
                    .stageUnserved, of: stage.rawValue, "No worker serves the stage \(stage.rawValue) yet; \(waits).",
                    "Who is to serve it still reads what was claimed.")
            } else if let quiet = alive.first(where: { $0.pulse.quiet != nil && $0.pulse.stages.contains(stage) }) {
                let id = quiet.pulse.workerID
                say(
                    .stageUnserved, of: stage.rawValue,
                    "No worker serves the stage \(stage.rawValue): who does, \(id), is paused; \(waits).",
                    "`salvage resume --worker '\(id)'`, or start another with it among SALVAGE_STAGES.")
            } else if let idle = alive.first(where: { $0.pulse.idle.contains(stage) }) {
                let queue = names.queue(of: stage)
                say(
                    .stageUnserved, of: stage.rawValue,
                    "No worker serves the stage \(stage.rawValue): who is to, \(idle.pulse.workerID), does not read \(queue); \(waits).",
                    idle.isBeginning ? "It has only begun." : mending("SalvageQueueUnread"))
            } else {
                say(
                    .stageUnserved, of: stage.rawValue, "No worker serves the stage \(stage.rawValue); \(waits).",
                    "Start one with it among SALVAGE_STAGES.")
            }
        }
    }

    /// Who reads the claims yet, or has only begun, has no ailment.
    private mutating func add(complaintsOf worker: FleetStatus.Worker) {
        let pulse = worker.pulse
        guard worker.isReady || worker.waitsForTopology, !worker.isBeginning, let first = pulse.complaints.first else { return }
        let runbooks = [
            ("broker:", "SalvageBrokerDisconnected"), ("flexfactor:", "SalvageFlexFactorBarred"), ("deliveries:", "SalvageDeliveriesHeld"),
        ]
        let runbook = runbooks.first { first.hasPrefix($0.0) }?.1
        let lacksRight = first.hasPrefix("topology:") && Self.isOfRights(first)
        say(
            .workerNotReady, of: pulse.workerID,
            "The \(worker.name) is not ready: \(pulse.complaints.joined(separator: "; ")).",
            runbook.map { "docs/runbooks/\($0).md" }
                ?? (lacksRight ? Self.givingRights : mending("SalvageQueueUnread")))
    }

    private static let givingRights = "`salvage topology print --permissions` prints what it needs: docs/broker-rights.md"

    /// Whether a right is what is missing, as a look at the topology and a publish that was refused say it.
    private static func isOfRights(_ why: String) -> Bool { why.contains("lacks the right") || why.contains("may not write") }

    /// What somebody does about a queue or exchange that is gone. Where the claims are, a person must decide before anything is declared.
    private func mending(_ runbook: String) -> String {
        missing.contains(.queue(names.claims))
            ? "docs/runbooks/SalvageClaimsBehind.md"
            : "`salvage topology check` says what is missing, `salvage topology apply` declares it: docs/runbooks/\(runbook).md"
    }

    private mutating func add(claimsOf worker: FleetStatus.Worker) {
        guard let claims = worker.claims else { return }
        let pulse = worker.pulse
        let advice = "docs/runbooks/SalvageClaimsBehind.md"
        if !claims.isCaughtUp, !worker.isBeginning, !worker.waitsForTopology {
            say(
                .claimsBehind, of: pulse.workerID, since: pulse.startedAt,
                "The worker \(pulse.workerID) does not know what was claimed: it reads that yet, or finds another stream in its place. It takes nothing that can charge.",
                advice)
        } else if claims.isCaughtUp, claims.lag > Self.mostLag {
            let messages = claims.messages > 0 ? " (\(Int(claims.messages).counted("message")))" : ""
            say(
                .claimsBehind, of: pulse.workerID, since: pulse.at + .milliseconds(-claims.lag.milliseconds),
                "The worker \(pulse.workerID) is \(claims.lag.milliseconds / 1_000) s behind with the claims\(messages): what it would charge waits.",
                advice)
        }
    }

    mutating func add(_ circuits: [FleetStatus.Circuit]) {
        for circuit in circuits {
            let since = circuit.since.map { ", since \($0.rfc3339)" } ?? ""
            let why = circuit.why.map { " \($0.asSentence)" } ?? ""
            let runbook = "docs/runbooks/SalvageCircuitOpen.md"
            var (names, advice) = ("", runbook)
            if circuit.isOfSome, let first = circuit.places.first?.workerID {
                names = " (\(Self.named(circuit.places.map(\.workerID))))"
                let pause = "`salvage pause --worker '\(first)' --for 2h --why \"...\"`"
                advice = "Where the others reach it: \(pause), and see to its node. \(runbook)"
            }
            say(
                .circuitOpen, of: circuit.gateway.words, since: circuit.since,
                "FlexFactor is away for \(circuit.gateway.words), at \(circuit.notClosed) of \(circuit.all.counted("worker"))\(names)\(since): cascades are skipped, retries wait.\(why)",
                advice)
        }
    }

    /// What waits for such a place is tried ever later, so whoever has mended it is to know when.
    mutating func add(_ refusing: [FleetStatus.Refusing], now: Moment) {
        for one in refusing {
            let next = one.triedAt.map { ": " + WorkerPulse.Refusing.next(at: $0, now: now) } ?? ""
            say(
                .held, of: one.place, since: one.since,
                "Messages are refused at \(one.place), since \(one.since.rfc3339) (\(Self.named(one.workerIDs))): \(one.why). They are put away (\(one.count)), and tried again by themselves\(next).",
                Self.isOfRights(one.why) ? Self.givingRights : mending("SalvagePlacesRefuse"))
        }
    }

    mutating func add(_ refusals: [FleetStatus.Refusal]) {
        for refusal in refusals {
            let name = refusal.gateway.words
            say(
                .gatewayMisconfigured, of: name, since: refusal.since,
                "The keys of \(name) are missing or refused, at \(refusal.refused) of \(refusal.all.counted("worker")), since \(refusal.since.rfc3339): cascades are skipped, retries wait. \(refusal.words.asSentence)",
                "docs/runbooks/SalvageGatewayMisconfigured.md")
        }
    }

    mutating func add(_ standing: Standing, _ lettersToDo: Int) {
        if standing.inDoubt > 0 {
            say(
                .chargesInDoubt,
                "Of \(standing.inDoubt.counted("charge")) nobody knows whether it happened, and a person must see to it.",
                "`salvage dead reconcile --all`")
        }
        let others = lettersToDo - standing.inDoubt
        if others > 0 {
            say(.deadLetters, "\(others.counted("dead letter waits", "dead letters wait")) for an operator.", "`salvage dead list`")
        }
        if standing.unreadable > 0 {
            say(
                .lettersUnreadable,
                "\(standing.unreadable.counted("message")) among the dead letters cannot be read by this version.",
                "Upgrade this command.")
        }
    }

    mutating func add(overdue: Int, since: Moment?, _ pauses: [Pause]) {
        let isWaiting = Set(pauses.map(\.target))
        if overdue == 0 || isWaiting.contains(.stage(.retry)) || isWaiting.contains(.stage(.cascade)) { return }
        say(
            .overdue, since: since,
            "\(overdue.counted("recovery is", "recoveries are")) due for more than a minute and not taken up.",
            "docs/runbooks/SalvageRecoveriesOverdue.md")
    }

    /// What waits where nothing should.
    mutating func add(_ queues: [Queue]) {
        let places: [(Stage, FleetStatus.Fault.Kind, String)] = [
            (.held, .held, "docs/runbooks/SalvagePlacesRefuse.md"), (.unrouted, .unrouted, "docs/runbooks/SalvageUnroutable.md"),
        ]
        for (stage, kind, advice) in places {
            guard let queue = queues.first(where: { $0.name == names.queue(of: stage) }), queue.ready > 0 else { continue }
            say(kind, "\(queue.ready.counted("message waits", "messages wait")) in \(queue.name): \(queue.what).", advice)
        }
    }
}
