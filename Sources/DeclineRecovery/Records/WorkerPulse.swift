import JSON

/// What a worker, or a process that takes webhooks alone, says of itself every other second, for whoever watches the fleet
/// (schemas/pulse.v1.schema.json). Nobody keeps it: the next one says all that is true then.
package struct WorkerPulse: Sendable, Equatable {
    package static let type = "com.salvage.worker.pulse.v1"
    /// Complaints, and places that refuse, that one pulse names.
    static let mostLines = 20
    /// Circuits that one pulse names. Those that are not closed, or whose keys are refused, come first; a gateway that is not named is closed.
    static let mostCircuits = 500

    package let workerID: String
    package let host: String
    package let version: String
    package let startedAt: Moment
    package let at: Moment
    /// None: it takes webhooks alone, or has stopped, as it was told to.
    package let stages: [Stage]
    package let inFlight: [Load]
    package let circuits: [Circuit]
    /// How far its reading of the claims is; `nil` for a worker that needs none, or an older one.
    package let claims: Claims?
    /// Why it takes nothing new, and until when; `nil` while it takes what its stages do.
    package let quiet: Quiet?
    /// Those of its stages whose queues it does not read, though nobody has paused them; an older worker does not say it.
    package let idle: [Stage]
    /// Why it is not ready, as its `/readyz` says it; an older worker does not say it.
    package let complaints: [String]
    /// Where what it publishes is refused; an older worker does not say it.
    package let refusing: [Refusing]
    /// Whether it takes FlexFactor's webhooks; an older one does not say it.
    package let takesWebhooks: Bool

    /// The stages that it works for, unless it is paused or reads the claims yet.
    package var served: [Stage] { stages.filter { !idle.contains($0) } }

    /// The last that a worker says of itself: nobody is to miss it.
    package func farewell(at moment: Moment) -> WorkerPulse {
        WorkerPulse(
            workerID: workerID, host: host, version: version, startedAt: startedAt, at: moment, stages: [], inFlight: [], circuits: [],
            claims: nil)
    }

    package var isFarewell: Bool { stages.isEmpty && !takesWebhooks }

    /// The stages that nobody would serve if one worker were paused, of those that it serves; none for what is no worker. Who reads the claims yet
    /// serves none.
    package static func stages(servedBy target: Pause.Target, aloneAmong workers: [WorkerPulse]) -> [Stage] {
        guard case .worker(let id) = target, let one = workers.first(where: { $0.workerID == id && $0.quiet == nil }) else { return [] }
        let others = workers.filter { $0.workerID != id && $0.quiet == nil && $0.claims?.isCaughtUp ?? true }.flatMap(\.served)
        return one.served.filter { !others.contains($0) }
    }

    /// Messages of a stage that are in work.
    package struct Load: Sendable, Equatable {
        package let stage: Stage
        package let count: Int

        package init(stage: Stage, count: Int) {
            self.stage = stage
            self.count = count
        }
    }

    /// That an operator has paused this worker, and that it heeds it.
    package struct Quiet: Sendable, Equatable {
        package let since: Moment
        package let until: Moment
        package let by: String
        /// The beginning of the reason: the pause itself has all of it.
        package let why: String

        private static let mostWords = 200

        package init(since: Moment, until: Moment, by: String, why: String) {
            self.since = since
            self.until = until
            self.by = by
            self.why = why.cut(after: Self.mostWords)
        }
    }

    /// An exchange and key where messages are refused; what was for it is put away.
    package struct Refusing: Sendable, Equatable {
        package let place: String
        package let count: Int
        package let since: Moment
        package let why: String
        /// When the next of them is tried; an older worker does not say it.
        package let triedAt: Moment?

        package init(place: String, count: Int, since: Moment, why: String, triedAt: Moment? = nil) {
            self.place = place.cut(after: 300)
            self.count = count
            self.since = since
            self.why = why.cut(after: 300)
            self.triedAt = triedAt
        }

        /// The same in words. From that moment on whichever comes first is tried.
        package static func next(at moment: Moment, now: Moment) -> String {
            moment > now ? "the next is tried at \(moment.rfc3339)" : "the next that comes is tried"
        }
    }

    /// How a gateway's circuit stands in this process.
    package struct Circuit: Sendable, Equatable {
        package let merchantID: MerchantID
        package let gatewayID: GatewayID
        package let state: State
        /// Of one that is not closed; an older worker does not say it.
        package let trouble: Trouble?
        /// That FlexFactor refuses the gateway's keys, or they are missing; an older worker does not say it.
        package let refusal: Refusal?

        package struct Refusal: Sendable, Equatable {
            package let since: Moment
            package let words: String

            package init(since: Moment, words: String) {
                self.since = since
                self.words = words.cut(after: 300)
            }
        }

        package enum State: String, Sendable, CaseIterable {
            case closed, trying, open
        }

        /// Since when and why a circuit is not closed.
        package struct Trouble: Sendable, Equatable {
            package let since: Moment
            /// When a call is tried again.
            package let triedAt: Moment
            /// What failed in a row, by the answer's name in metrics.
            package let failures: [String: Int]
            /// The name of the last of them, and the same in a sentence.
            package let last: String
            package let words: String

            package init(since: Moment, triedAt: Moment, failures: [String: Int], last: String, words: String) {
                self.since = since
                self.triedAt = triedAt
                self.failures = failures
                self.last = last
                self.words = words.cut(after: Self.mostWords)
            }

            private static let mostWords = 300
        }

        package init(merchantID: MerchantID, gatewayID: GatewayID, state: State, trouble: Trouble? = nil, refusal: Refusal? = nil) {
            self.merchantID = merchantID
            self.gatewayID = gatewayID
            self.state = state
            self.trouble = trouble
            self.refusal = refusal
        }

        fileprivate var place: (Int, String, String) { (state == .closed && refusal == nil ? 1 : 0, merchantID.text, gatewayID.text) }
    }

    /// How far a worker's reading of the claims is.
    package struct Claims: Sendable, Equatable {
        /// Of the last record that it read; -1 before the first.
        package let offset: Int64
        /// For how long it has not read what it knows to stand there.
        package let lag: Moment.Span
        /// Whether it has read all that stood there as it began. Before that it takes nothing that can charge.
        package let isCaughtUp: Bool

        package init(offset: Int64, lag: Moment.Span, isCaughtUp: Bool) {
            self.offset = offset
            self.lag = lag
            self.isCaughtUp = isCaughtUp
        }
    }

    package init(
        workerID: String, host: String, version: String, startedAt: Moment, at: Moment, stages: [Stage], inFlight: [Load],
        circuits: [Circuit], claims: Claims? = nil, quiet: Quiet? = nil, idle: [Stage] = [], complaints: [String] = [],
        refusing: [Refusing] = [], takesWebhooks: Bool = false
    ) {
        self.workerID = workerID
        self.host = host
        self.version = version
        self.startedAt = startedAt
        self.at = at
        self.stages = stages
        self.inFlight = inFlight
        self.circuits = Array(circuits.sorted { $0.place < $1.place }.prefix(Self.mostCircuits))
        self.claims = claims
        self.quiet = quiet
        self.idle = idle
        self.complaints = complaints.prefix(Self.mostLines).map { $0.cut(after: 300) }
        self.refusing = Array(refusing.prefix(Self.mostLines))
        self.takesWebhooks = takesWebhooks
    }

    package var id: String { "\(workerID)/pulse/\(at.milliseconds)" }

    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, time: at, reserving: 512 + 80 * circuits.count) { data in
            data.member("id", workerID)
            data.member("host", host)
            data.member("version", version)
            data.member("startedAt", startedAt.milliseconds)
            data.member("at", at.milliseconds)
            data.array("stages") { list in for stage in stages { list.element(stage.rawValue) } }
            data.array("inFlight") { list in
                for load in inFlight {
                    list.object { json in
                        json.member("stage", load.stage.rawValue)
                        json.member("count", Int64(load.count))
                    }
                }
            }
            data.array("circuits") { list in
                for circuit in circuits {
                    list.object { json in
                        json.member("merchant", circuit.merchantID.text)
                        json.member("gateway", circuit.gatewayID.text)
                        json.member("state", circuit.state.rawValue)
                        if let refusal = circuit.refusal {
                            json.member("refusedSince", refusal.since.milliseconds)
                            json.member("refusal", refusal.words)
                        }
                        guard let trouble = circuit.trouble else { return }
                        json.member("since", trouble.since.milliseconds)
                        json.member("triedAt", trouble.triedAt.milliseconds)
                        json.object("failures") { names in
                            for (name, count) in trouble.failures.sorted(by: { $0.key < $1.key }) {
                                names.member(named: name, Int64(count))
                            }
                        }
                        json.member("last", trouble.last)
                        json.member("words", trouble.words)
                    }
                }
            }
            if let claims {
                data.object("claims") { json in
                    json.member("offset", claims.offset)
                    json.member("lagMilliseconds", claims.lag.milliseconds)
                    json.member("caughtUp", claims.isCaughtUp)
                }
            }
            if !idle.isEmpty { data.array("idle") { list in for stage in idle { list.element(stage.rawValue) } } }
            if !complaints.isEmpty { data.array("notReady") { list in for line in complaints { list.element(line) } } }
            if !refusing.isEmpty {
                data.array("refusing") { list in
                    for one in refusing {
                        list.object { json in
                            json.member("place", one.place)
                            json.member("count", Int64(one.count))
                            json.member("since", one.since.milliseconds)
                            json.member("why", one.why)
                            if let triedAt = one.triedAt { json.member("triedAt", triedAt.milliseconds) }
                        }
                    }
                }
            }
            if takesWebhooks { data.member("webhooks", true) }
            guard let quiet else { return }
            data.object("quiet") { json in
                json.member("since", quiet.since.milliseconds)
                json.member("until", quiet.until.milliseconds)
                json.member("by", quiet.by)
                json.member("why", quiet.why)
            }
        }
    }

    /// `nil` for what is no pulse. A stage that this build does not know is left out: a newer worker may have it.
    package static func decode(_ bytes: [UInt8]) -> WorkerPulse? {
        do throws(EnvelopeFault) {
            let data = try CloudEvent.data(of: bytes, type: type)
            return WorkerPulse(
                workerID: try data.text("id"), host: try data.text("host"), version: try data.text("version"),
                startedAt: try data.moment("startedAt"), at: try data.moment("at"),
                stages: try data.texts("stages").compactMap(Stage.init(rawValue:)),
                inFlight: try data.objects("inFlight").map { (load) throws(EnvelopeFault) in
                    (Stage(rawValue: try load.text("stage")), try load.count("count"))
                }.compactMap { stage, count in stage.map { Load(stage: $0, count: count) } },
                circuits: try data.objects("circuits").map { (circuit) throws(EnvelopeFault) in
                    Circuit(
                        merchantID: MerchantID(try circuit.text("merchant")), gatewayID: GatewayID(try circuit.text("gateway")),
                        state: try circuit.word("state"), trouble: try trouble(circuit), refusal: try refusal(circuit))
                }, claims: try data.optionalObject("claims").map(claims), quiet: try data.optionalObject("quiet").map(quiet),
                idle: try data.elements("idle").compactMap { $0.string.flatMap(Stage.init(rawValue:)) },
                complaints: try data.elements("notReady").compactMap(\.string),
                refusing: try data.objects("refusing") { (one) throws(EnvelopeFault) in
                    Refusing(
                        place: try one.text("place"), count: try one.count("count"), since: try one.moment("since"),
                        why: try one.text("why"), triedAt: try one.optionalMoment("triedAt"))
                }, takesWebhooks: try data.optionalFlag("webhooks") ?? false)
        } catch {
            return nil
        }
    }

    private static func refusal(_ circuit: EnvelopeReader) throws(EnvelopeFault) -> Circuit.Refusal? {
        guard let since = try circuit.optionalNumber("refusedSince") else { return nil }
        return Circuit.Refusal(since: Moment(milliseconds: since), words: try circuit.text("refusal"))
    }

    private static func trouble(_ circuit: EnvelopeReader) throws(EnvelopeFault) -> Circuit.Trouble? {
        guard let since = try circuit.optionalNumber("since") else { return nil }
        let failures = try circuit.object("failures").members().compactMap { member in
            member.value.int64.map { (member.name, Int(min(max($0, 0), 1_000_000_000))) }
        }
        return Circuit.Trouble(
            since: Moment(milliseconds: since), triedAt: try circuit.moment("triedAt"),
            failures: Dictionary(failures) { $1 }, last: try circuit.text("last"), words: try circuit.text("words"))
    }

    private static func quiet(_ quiet: EnvelopeReader) throws(EnvelopeFault) -> Quiet {
        Quiet(
            since: try quiet.moment("since"), until: try quiet.moment("until"), by: try quiet.text("by"), why: try quiet.text("why"))
    }

    private static func claims(_ claims: EnvelopeReader) throws(EnvelopeFault) -> Claims {
        Claims(
            offset: max(try claims.number("offset"), -1), lag: .milliseconds(try claims.number("lagMilliseconds")),
            isCaughtUp: try claims.flag("caughtUp"))
    }
}
