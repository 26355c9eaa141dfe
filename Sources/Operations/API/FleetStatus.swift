package import DeclineRecovery

/// How a fleet is, for whoever is called at night: what is wrong first, and what there is besides. Counted where the overview and the
/// metrics count (`Standing`).
package struct FleetStatus: Sendable {
    /// What is wrong, a sentence each, with what to do; none where all is well.
    package let faults: [Fault]
    package let workers: [Worker]
    /// Processes that take FlexFactor's webhooks and nothing else.
    package let receivers: [Worker]
    /// Those that are not closed.
    package let circuits: [Circuit]
    /// Those whose keys FlexFactor refuses, or that have none.
    package let refusals: [Refusal]
    /// Where messages are refused.
    package let refusing: [Refusing]
    package let queues: [(name: String, what: String, ready: Int)]
    /// The CRM's; `nil` where it reads a queue of its own, or this login may not look.
    package let inbox: Inbox?
    /// At how many exchanges and queues this login may not look: whether they are there it does not know.
    package let unseen: Int
    /// What is not there that a fleet goes on without.
    package let absences: [Absence]
    package let pauses: [Pause]
    /// Whether the stream of pauses could be read.
    package let pausesAreKnown: Bool
    /// Whether it holds nothing; workers may heed one that was before it.
    package let knowsNoPause: Bool
    package let parked: Int
    package let overdue: Int
    package let oldestOverdue: Moment?
    package let unknown: Int
    package let inDoubt: Int
    package let oldestUnknown: Moment?
    package let lettersToDo: Int

    package struct Fault: Sendable, Equatable {
        package let kind: Kind
        /// Which of its kind, for people: a worker, a stage, a gateway, an exchange; empty where there can be only one.
        package let subject: String
        /// Since when, where it is known.
        package let since: Moment?
        package let what: String
        package let advice: String

        package enum Kind: String, Sendable, CaseIterable {
            case topologyIncomplete = "topology_incomplete"
            case noWorkers = "no_workers"
            case workerSilent = "worker_silent"
            case claimsBehind = "claims_behind"
            case stageUnserved = "stage_unserved"
            case workerNotReady = "worker_not_ready"
            case circuitOpen = "circuit_open"
            case gatewayMisconfigured = "gateway_misconfigured"
            case chargesInDoubt = "charges_in_doubt"
            case deadLetters = "dead_letters"
            case lettersUnreadable = "letters_unreadable"
            case overdue
            case held, unrouted
            case noticesUndelivered = "notices_undelivered"
            case brokerAway = "broker_away"
            case brokerBlocked = "broker_blocked"
        }

        /// What the process knows that sends notices, and nobody else.
        package static func noticesUndelivered(since: Moment, _ why: String, advice: String) -> Fault {
            Fault(
                kind: .noticesUndelivered, subject: "", since: since,
                what: "Notices do not arrive, since \(since.rfc3339): \(why). They are tried again by themselves.", advice: advice)
        }

        /// Whoever cannot reach the broker knows of nothing else.
        package static func brokerAway(since: Moment) -> Fault {
            Fault(
                kind: .brokerAway, subject: "", since: since,
                what: "The console has no connection to the broker, since \(since.rfc3339): how the fleet is nobody can say.",
                advice: "docs/runbooks/SalvageBrokerDisconnected.md")
        }
    }

    /// What the CRM was told and has not taken yet.
    package struct Inbox: Sendable, Equatable {
        package let queue: String
        package let waiting: Int
        package let readers: Int

        /// That it is read by nobody, and what to do. No fault of the fleet's: a CRM may fetch from time to time what waits there.
        package var warning: (what: String, advice: String)? {
            guard waiting > 0, readers == 0 else { return nil }
            let results = waiting == 1 ? "One result waits" : "\(waiting) results wait"
            return (
                "\(results) in \(queue), and nobody reads it: what they tell is not done.", "docs/runbooks/SalvageResultsUnread.md"
            )
        }
    }

    package struct Worker: Sendable {
        package let pulse: WorkerPulse
        package let isSilent: Bool
        /// How far its reading of the claims is behind; `nil` for one that needs none, or does not say it.
        package let claims: Claims?

        package struct Claims: Sendable, Equatable {
            /// That another worker has read already.
            package let messages: Int64
            /// For how long it has not read what stands there.
            package let lag: Moment.Span
            package let isCaughtUp: Bool
        }

        /// For so long a worker says nothing that says something every other second.
        private static let silence: Moment.Span = .seconds(15)
        /// For so long a worker may read claims as it begins, or not be ready for another reason, before somebody is to look.
        private static let beginning: Moment.Span = .minutes(1)

        /// - Parameter quiet: for how long it has said nothing, where that is not to be reckoned from its own word.
        init(_ pulse: WorkerPulse, behind: (messages: Int64, lag: Moment.Span), quiet: Moment.Span?, now: Moment) {
            self.pulse = pulse
            isSilent = quiet ?? (now - pulse.at) > Self.silence
            claims = pulse.claims.map { Claims(messages: behind.messages, lag: max($0.lag, behind.lag), isCaughtUp: $0.isCaughtUp) }
        }

        static func all(_ flow: FlowStore, now: Moment) -> [Worker] {
            let known = flow.workers
            return known.pulses.map { Worker($0, behind: known.behind($0.workerID), quiet: known.silence(of: $0.workerID), now: now) }
        }

        static func receivers(_ flow: FlowStore, now: Moment) -> [Worker] {
            let known = flow.workers
            return known.receivers.map { Worker($0, behind: (0, .seconds(0)), quiet: known.silence(of: $0.workerID), now: now) }
        }

        /// What it is, and which.
        var name: String { "\(pulse.stages.isEmpty ? "webhook receiver" : "worker") \(pulse.workerID)" }
        /// Whether it has read the claims, before which it takes no work.
        var isReady: Bool { claims?.isCaughtUp ?? true }
        var isBeginning: Bool { pulse.at - pulse.startedAt <= Self.beginning }
        /// Whether it waits for what is gone at the broker, and has not begun to read the claims.
        var waitsForTopology: Bool {
            !isReady && pulse.complaints.contains { $0.hasPrefix("topology:") } && !pulse.complaints.contains { $0.hasPrefix("claims:") }
        }
        /// Whether it takes work.
        var isWorking: Bool { isReady && pulse.quiet == nil }
    }

    /// An exchange and key where messages are refused, at some worker.
    package struct Refusing: Sendable, Equatable {
        package let place: String
        /// Messages that were put away, at all workers together.
        package let count: Int
        /// Since the first of them was refused.
        package let since: Moment
        package let why: String
        package let workerIDs: [String]
        /// When the first of them tries the next; an older worker does not say it.
        package let triedAt: Moment?

        static func all(_ pulses: [WorkerPulse]) -> [Refusing] {
            let said = pulses.flatMap { pulse in pulse.refusing.map { (worker: pulse.workerID, refusing: $0) } }
            return Dictionary(grouping: said) { $0.refusing.place }.compactMap { place, said -> Refusing? in
                guard let first = said.min(by: { $0.refusing.since < $1.refusing.since })?.refusing else { return nil }
                return Refusing(
                    place: place, count: said.reduce(0) { $0 + $1.refusing.count }, since: first.since, why: first.why,
                    workerIDs: said.map(\.worker), triedAt: said.compactMap(\.refusing.triedAt).min())
            }.sorted { ($0.since, $0.place) < ($1.since, $1.place) }
        }
    }

    /// A gateway's circuit that is not closed at every worker.
    package struct Circuit: Sendable {
        package let gateway: GatewayName
        /// The worst that a worker says.
        package let state: WorkerPulse.Circuit.State
        /// At which workers, where it opened first before the others.
        package let places: [Place]
        /// Of how many that know it.
        package let all: Int
        /// Since the first of them opened it.
        package let since: Moment?
        /// When the next of them tries a call.
        package let triedAt: Moment?
        /// What failed in a row, at all of them together, by the answer's name.
        package let failures: [(name: String, count: Int)]
        /// The last failure in a sentence.
        package let last: String?

        /// A worker where it is not closed.
        package struct Place: Sendable, Equatable {
            package let workerID: String
            package let state: WorkerPulse.Circuit.State
            /// An older worker does not say it.
            package let since: Moment?
        }

        package var notClosed: Int { places.count }
        /// Whether others reach what these do not: it is their way out, perhaps, and not FlexFactor.
        package var isOfSome: Bool { notClosed < all }

        /// Why it is open; `nil` where no worker says it.
        package var why: String? {
            guard let last else { return nil }
            let calls = failures.reduce(0) { $0 + $1.count }.counted("call")
            let names = failures.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
            return "\(calls) failed (\(names)), the last: \(last)"
        }

        /// The circuits of the workers that live, the most open first.
        static func all(_ pulses: [WorkerPulse]) -> [Circuit] {
            let said = pulses.flatMap { pulse in pulse.circuits.map { (at: pulse.at, worker: pulse.workerID, circuit: $0) } }
            let byGateway = Dictionary(grouping: said, by: \.circuit.gateway)
            return byGateway.sorted { $0.key < $1.key }.compactMap { gateway, said in
                let open = said.filter { $0.circuit.state != .closed }
                if open.isEmpty { return nil }
                let troubles = open.compactMap { said in said.circuit.trouble.map { (at: said.at, trouble: $0) } }
                var failures: [String: Int] = [:]
                for trouble in troubles { failures.merge(trouble.trouble.failures, uniquingKeysWith: +) }
                let places = open.map { Place(workerID: $0.worker, state: $0.circuit.state, since: $0.circuit.trouble?.since) }.sorted {
                    ($0.since?.milliseconds ?? Int64.max, $0.workerID) < ($1.since?.milliseconds ?? Int64.max, $1.workerID)
                }
                return Circuit(
                    gateway: gateway, state: open.contains { $0.circuit.state == .open } ? .open : .trying, places: places, all: said.count,
                    since: troubles.map(\.trouble.since).min(), triedAt: troubles.map(\.trouble.triedAt).min(),
                    failures: failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) },
                    last: troubles.max { $0.at < $1.at }?.trouble.words)
            }
        }
    }

    /// A gateway whose keys FlexFactor refuses, or that has none, at some worker.
    package struct Refusal: Sendable {
        package let gateway: GatewayName
        /// At how many workers, of how many that know it.
        package let refused: Int
        package let all: Int
        /// Since the first of them was refused.
        package let since: Moment
        /// What was said last.
        package let words: String

        static func all(_ pulses: [WorkerPulse]) -> [Refusal] {
            let byGateway = Dictionary(grouping: pulses.flatMap(\.circuits), by: \.gateway)
            return byGateway.sorted { $0.key < $1.key }.compactMap { gateway, said in
                let refusals = said.compactMap(\.refusal)
                guard let first = refusals.min(by: { $0.since < $1.since }) else { return nil }
                return Refusal(gateway: gateway, refused: refusals.count, all: said.count, since: first.since, words: first.words)
            }
        }
    }

    /// Whether anybody is heard of who takes webhooks. Without one, how orders ended is learned by looking at them, and that is no fault.
    package var takesWebhooks: Bool { (workers + receivers).contains { !$0.isSilent && $0.pulse.takesWebhooks } }

    /// The pauses that keep somebody from working: a worker that has ended, as it was to, is not waited for.
    package var heededPauses: [Pause] {
        pauses.filter { pause in
            if case .worker(let id) = pause.target { workers.contains { $0.pulse.workerID == id } } else { true }
        }
    }

    /// - Parameter besides: what the process that asks knows of itself.
    package init(
        _ letters: LetterStore, _ flow: FlowStore, _ names: TopologyNames, besides: [Fault] = [], now: Moment
    ) async throws(BrokerFailure) {
        let (depths, topology, alarm) = (try await flow.depths(now), try await flow.topology(now), try await Self.alarm(flow, now: now))
        self.init(Standing(letters, flow), flow, names, depths: depths, topology: topology, alarm: alarm, besides: besides, now: now)
    }

    /// Why the broker takes no messages; `nil` where it takes them. It is asked where somebody is missed: whoever speaks, it has taken his word.
    static func alarm(_ flow: FlowStore, now: Moment) async throws(BrokerFailure) -> String? {
        let workers = Worker.all(flow, now: now)
        guard workers.isEmpty || workers.contains(where: { $0.isSilent }) else { return nil }
        return try await flow.alarm(now)
    }

    /// - Parameters:
    ///   - depths: of the queues, by name.
    ///   - topology: which exchanges and queues are gone.
    ///   - alarm: why the broker takes no messages.
    init(
        _ standing: Standing, _ flow: FlowStore, _ names: TopologyNames, depths: [String: QueueDepth], topology: TopologyLook,
        alarm: String?, besides: [Fault], now: Moment
    ) {
        workers = Worker.all(flow, now: now)
        receivers = Worker.receivers(flow, now: now)
        let pulses = workers.filter { !$0.isSilent }.map(\.pulse)
        circuits = Circuit.all(pulses)
        refusals = Refusal.all(pulses)
        refusing = Refusing.all(pulses)
        queues = flow.queues.filter { $0.kind == .work }.map { ($0.name, $0.what, depths[$0.name]?.ready ?? 0) }
        inbox = depths[names.crmResults].map { Inbox(queue: names.crmResults, waiting: $0.ready, readers: $0.readers) }
        unseen = topology.unseen
        absences = Absence.all(topology, names)
        pauses = flow.pauses.pauses.inForce(at: now)
        pausesAreKnown = flow.pauses.isFollowed
        knowsNoPause = pausesAreKnown && flow.pauses.pauses.isOfNothing
        parked = standing.parked
        (overdue, oldestOverdue) = flow.overdue(now: now)
        unknown = standing.unknown
        inDoubt = standing.inDoubt
        oldestUnknown = standing.oldestUnknown
        lettersToDo = standing.toDo.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        var list = FleetFaults(names, missing: topology.missing)
        if let alarm { list.add(alarm: alarm) } else { list.add(workers, receivers, queues) }
        list.add(circuits)
        list.add(refusals)
        list.add(standing, lettersToDo)
        list.add(overdue: overdue, since: oldestOverdue, pauses)
        list.add(queues)
        list.add(refusing, now: now)
        faults = list.faults + besides
    }
}
