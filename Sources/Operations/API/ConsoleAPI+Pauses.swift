import DeclineRecovery
import JSON
import Pipeline

/// What is paused, and pausing: what `salvage pause`, `resume` and `pauses` do, by the same desk.
extension ConsoleAPI {
    private var desk: PauseDesk { PauseDesk(store.broker, clock: tools.clock, remembering: flow.pauses.pauses) }

    func pauses() async throws(ConsoleError) -> JSONValue {
        try requireBroker()
        let (inForce, remembered): ([Pause], [Pause])
        do throws(BrokerFailure) { (inForce, remembered) = try await desk.look() } catch { throw .broker(error) }
        let merchants = merchants().sorted { $0.id.text < $1.id.text }
        return .object(of: [
            ("pauses", .array(inForce.map { PauseStore.json($0, isRemembered: remembered.contains($0)) })),
            ("longest", .integer(Pause.longest.milliseconds)),
            (
                "merchants",
                .array(
                    merchants.map { merchant in
                        .object(of: [
                            ("id", .string(merchant.id.text)),
                            ("gateways", .array(merchant.flexFactorGatewayIDs.map { .string($0.text) })),
                        ])
                    })
            ),
            (
                "workers",
                .array(
                    livingWorkers.map { worker in
                        .object(of: [
                            ("id", .string(worker.pulse.workerID)), ("host", .string(worker.pulse.host)),
                            ("stages", .array(worker.pulse.stages.map { .string($0.rawValue) })),
                            ("quiet", .bool(worker.pulse.quiet != nil)), ("ready", .bool(worker.isReady)),
                        ])
                    })
            ),
        ])
    }

    private var livingWorkers: [FleetStatus.Worker] { FleetStatus.Worker.all(flow, now: tools.clock.now()).filter { !$0.isSilent } }

    func pause(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let body = request.body
        try body.allow(["merchant", "gateway", "stage", "worker", "until", "seconds", "why", "replace"])
        try require(.operator, request.person)
        let why = try body.text("why") ?? ""
        let replaces = try body.flag("replace") ?? false
        let end: Moment
        switch (try body.whole("until"), try body.whole("seconds")) {
        case (let until?, nil): end = Moment(milliseconds: Int64(until))
        case (nil, let seconds?):
            guard (1...Int(Pause.longest.milliseconds / 1_000)).contains(seconds) else {
                throw .unexpected("seconds", String(seconds), expected: "1 to \(Pause.longest.milliseconds / 1_000)")
            }
            end = tools.clock.now() + .seconds(Int64(seconds))
        default: throw .badRequest("Expected until or seconds, and not both.", "A pause says when it ends by itself.")
        }
        // Without a configuration nobody knows the names, and they are taken as they are.
        let configured = tools.reconciler == nil ? nil : merchants()
        let words = try words(body)
        try requireBroker()
        if words.worker != nil, flow.workers.pulses.isEmpty { throw .noWorkerKnown }
        let pause: Pause
        do throws(PauseRefusal) {
            let target = try words.target(among: configured, workers: livingWorkers.map(\.pulse.workerID))
            pause = try await desk.pause(target, until: end, by: request.person.name, why: why, replaces: replaces)
        } catch {
            throw .pause(error)
        }
        await hear { $0.contains(pause) }
        return PauseStore.json(pause)
    }

    func lift(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let body = request.body
        try body.allow(["merchant", "gateway", "stage", "worker", "why"])
        try require(.operator, request.person)
        let why = try body.text("why") ?? ""
        let words = try words(body)
        try requireBroker()
        let (pause, isRemembered): (Pause, Bool)
        do throws(PauseRefusal) {
            switch try await desk.lift(words, by: request.person.name, why: why) {
            case .pause(let lifted): (pause, isRemembered) = (lifted, false)
            case .forgotten(let lifted): (pause, isRemembered) = (lifted, true)
            }
        } catch {
            throw .pause(error)
        }
        await hear { pauses in !pauses.contains { $0.target == pause.target } }
        return PauseStore.json(pause, isRemembered: isRemembered)
    }

    private func words(_ body: JSONValue) throws(ConsoleError) -> PauseWords {
        let stage: Stage? = try body.text("stage").map { text throws(ConsoleError) in
            guard let stage = Stage(rawValue: text) else {
                throw .unexpected("stage", text, expected: "one of " + Stage.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return stage
        }
        let (merchant, gateway, worker) = (try body.text("merchant"), try body.text("gateway"), try body.text("worker"))
        do throws(PauseRefusal) {
            return try PauseWords(merchant: merchant, gateway: gateway, stage: stage, worker: worker)
        } catch {
            throw .pause(error)
        }
    }

    /// Waits until this console has heard of what it ordered, so that its next answer shows it; for a second at the most.
    private func hear(_ isHeard: ([Pause]) -> Bool) async {
        for _ in 0..<50 where !isHeard(flow.pauses.pauses.inForce(at: tools.clock.now())) { await tools.clock.sleep(.milliseconds(20)) }
    }
}

extension ConsoleError {
    fileprivate static let noWorkerKnown = ConsoleError(
        status: 503, what: "No worker is heard of yet.",
        advice: "Each speaks every other second: try again in a few seconds. Where none runs there is none to pause.")

    static func pause(_ refusal: PauseRefusal) -> ConsoleError {
        let (status, advice) =
            switch refusal {
            case .empty, .nothingNamed, .noReason: (400, "Name one thing, and say why in a sentence: whoever looks will read it.")
            case .whoseGateway, .several: (422, "Give the merchant as well.")
            case .unknown: (422, "Choose what the configuration has: another name would pause nothing.")
            case .noSuchWorker:
                (
                    422,
                    "Choose one that lives: a worker has another id after a restart, unless its host's name and its process's number stay."
                )
            case .severalWorkers: (422, "Give the id of one.")
            case .noWorkerID: (422, "Take it from the list of workers.")
            case .cardData: (422, OperatorWords.advice)
            case .over: (422, "Give an end that is to come.")
            case .tooLong: (422, "Pause again when it ends, if it must be.")
            case .pausedAlready: (409, "Replace it if yours is to count; the one before ends with that.")
            case .notPaused: (404, "Look at what is paused: it may have ended by itself, or somebody else lifted it.")
            case .severalPaused: (409, refusal.meansWorkers ? "Give the id of one." : "Give the merchant as well.")
            case .broker: (503, "")
            }
        if case .broker(let failure) = refusal { return .broker(failure) }
        return ConsoleError(status: status, what: refusal.what, advice: advice)
    }
}
