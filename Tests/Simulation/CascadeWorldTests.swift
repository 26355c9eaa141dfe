import FoundationEssentials
import TestSupport
import Testing

@testable import DeclineRecovery

/// Lives of cascades in virtual time, in a world where everything that can go wrong does: FlexFactor executes and does not answer,
/// answers 5xx before or after executing, executes long after we stopped waiting, throttles, forgets to finish; pods die between any
/// two effects; the CRM publishes twice. Whatever happens, the CRM learns one thing, and it is true.
@Suite struct CascadeWorldTests {
    /// `SALVAGE_WORLDS` runs more of them.
    static let worlds = ProcessInfo.processInfo.environment["SALVAGE_WORLDS"].flatMap(UInt64.init) ?? 10_000
    static let batches: UInt64 = 40

    @Test(arguments: 0..<batches)
    func whateverHappensOneTrueResultIsTold(batch: UInt64) {
        let size = Self.worlds / Self.batches
        for seed in batch * size..<(batch + 1) * size {
            var world = CascadeWorld(seed: seed)
            world.run()
            #expect(world.verdict == nil, "seed \(seed): \(world.verdict ?? "")\n\(world.story.joined(separator: "\n"))")
            if world.verdict != nil { return }
        }
    }

    /// The worlds bite: a core that is broken on purpose is caught, whatever is broken.
    @Test(arguments: CascadeWorld.Mutation.allCases)
    func aBrokenCascadeIsCaught(mutation: CascadeWorld.Mutation) {
        let caught = (0..<8_000).first { seed in
            var world = CascadeWorld(seed: UInt64(seed), mutation: mutation)
            world.run()
            return world.verdict != nil
        }
        #expect(caught != nil, "no world notices \(mutation)")
    }
}

/// One decline, one queue, one FlexFactor.
struct CascadeWorld {
    /// A part of the core that is broken on purpose.
    enum Mutation: CaseIterable {
        case takesSilenceForDecline, forgetsKey, believesTheList, believesOneDenial, believesAnEdge, leavesChallengesOpen, chargesToRecall
        case capturesInACircle
    }

    var random: SeededRandom
    var now = Moment(milliseconds: 1_800_000_000_000)
    var messages: [Waiting] = []
    var flexFactor = ModelFlexFactor()
    var told: Set<ResultKind> = []
    var letters: [GiveUpReason] = []
    var story: [String] = []
    let timing = RecoveryTiming(settle: .seconds(120), reconcileFor: .minutes(120))
    let mutation: Mutation?
    var asking: AskingModes
    /// A request went out whose answer nobody has: as the claims that every pod sees say it.
    var hasStandingSend = false
    var lastSend: Moment?
    var captures: [Moment] = []
    /// Faults come to an end, as in life: after this nothing fails any more, so that everything must end rightly.
    let calmFrom: Moment
    /// Nothing reaches FlexFactor. A pod that gives up without asking tells something that it alone knows, so crashes and second copies
    /// are left out of these worlds.
    let cutOff: Bool

    struct Waiting {
        var recovery: Recovery
        var due: Moment
        var redelivered: Bool
    }

    init(seed: UInt64, mutation: Mutation? = nil) {
        random = SeededRandom(seed: seed)
        self.mutation = mutation
        asking = AskingModes(seed: seed)
        calmFrom = now + .seconds(Int64.random(in: 0...600, using: &random))
        cutOff = Int.random(in: 0..<5, using: &random) == 0
        let declinedAt = now + .seconds(-Int64.random(in: 0...90, using: &random) / 2)
        let recovery = Recovery.sample(declinedAt: declinedAt)
        messages = [Waiting(recovery: recovery, due: now, redelivered: false)]
        if !cutOff, Int.random(in: 0..<3, using: &random) == 0 {
            messages.append(Waiting(recovery: recovery, due: now + .seconds(Int64.random(in: 0...400, using: &random)), redelivered: false))
        }
        flexFactor.destiny = ModelFlexFactor.Destiny.allCases.randomElement(using: &random)!
    }

    mutating func run() {
        var steps = 0
        while let index = messages.indices.min(by: { messages[$0].due < messages[$1].due }) {
            steps += 1
            guard steps < 2_000 else { return story.append("still going after 2,000 steps") }
            var message = messages.remove(at: index)
            now = max(now, message.due)
            flexFactor.arrive(until: now)
            take(&message)
        }
        flexFactor.arrive(until: now + .days(2))
    }

    /// One delivery: calls until the recovery stops, then publishing and finishing; a pod may die at each step.
    private mutating func take(_ message: inout Waiting) {
        let original = message
        var recovery = message.recovery
        if !told.isEmpty { return }
        recovery.pickUp(redelivered: message.redelivered, isKnownUnsent: !hasStandingSend && lastSend == nil)
        var calls = 0
        while true {
            calls += 1
            guard calls < 20 else { return story.append("still going after 20 calls in one delivery") }
            if dies() { return comeBack(original) }
            if mutation == .leavesChallengesOpen, case .challenged = recovery.phase {
                return carryOut(.conclude(.declined(.challenge, nil)), recovery)
            }
            let step = recovery.next(now: now, timing: timing)
            guard case .call(let call) = step else {
                if case .stop(let stop) = step { carryOut(stop, recovery) }
                if dies() { comeBack(original) }
                return
            }
            let answer = perform(call)
            story.append("\(now.milliseconds) \(recovery.phase) \(call.shortName) -> \(answer)")
            if dies() { return comeBack(original) }
            if mutation == .takesSilenceForDecline, case .failed(.unknown) = answer {
                told.insert(.declined)
                return
            }
            if mutation == .believesTheList, answer == .notListed, !recovery.mayCharge(at: now) {
                return carryOut(.conclude(.neverArrived), recovery)
            }
            if mutation == .believesOneDenial, answer == .noSuchOrder { return carryOut(.conclude(.neverArrived), recovery) }
            if mutation == .believesAnEdge, answer == .failed(.unknown(.barred(status: 404))) {
                return carryOut(.conclude(.neverArrived), recovery)
            }
            if mutation == .capturesInACircle, case .capturing = recovery.phase, case .failed(.refused) = answer { continue }
            guard let stop = recovery.learned(answer, now: now, timing: timing) else { continue }
            story.append("  stop: \(stop)")
            carryOut(stop, recovery)
            // Published and confirmed, but not acknowledged.
            if dies() { comeBack(original) }
            return
        }
    }

    private mutating func carryOut(_ stop: RecoveryStop, _ recovery: Recovery) {
        switch stop {
        case .park(let until):
            let seconds = DelayLadder.entry(after: until - now, to: .cascade).delay
            messages.append(Waiting(recovery: recovery, due: now + seconds, redelivered: false))
        case .conclude(.unavailable) where hasStandingSend: comeBack(Waiting(recovery: recovery, due: now, redelivered: true))
        case .conclude(let outcome): told.insert(ResultReason(outcome).kind)
        case .advance: messages.append(Waiting(recovery: recovery, due: now, redelivered: false))
        case .submitted, .spend: told.insert(.submitted)
        case .refuse: told.insert(.rejected)
        case .giveUp(let reason): letters.append(reason)
        }
    }

    private mutating func comeBack(_ message: Waiting) {
        story.append("\(now.milliseconds) the pod dies")
        let delay = Moment.Span.seconds(Int64.random(in: 0...90, using: &random))
        messages.append(Waiting(recovery: message.recovery, due: now + delay, redelivered: true))
    }

    private mutating func dies() -> Bool {
        !cutOff && now < calmFrom && Int.random(in: 0..<20, using: &random) == 0
    }

    private mutating func perform(_ call: FlexFactorCall) -> FlexFactorAnswer {
        now = now + .milliseconds(Int64.random(in: 5...3_000, using: &random))
        flexFactor.arrive(until: now)
        let answer = answered(call)
        if case .evaluate = call {
            lastSend = now
            switch answer {
            case .failed(.unknown), .failed(.conflict): hasStandingSend = true
            default: break
            }
        }
        return answer
    }

    private mutating func answered(_ call: FlexFactorCall) -> FlexFactorAnswer {
        var key: UInt64 = mutation == .forgetsKey ? UInt64.random(in: 0...UInt64.max, using: &random) : 0
        if mutation == .chargesToRecall, case .recall = call { key = 1 }
        if case .capture = call { captures.append(now) }
        let faulty = now < calmFrom && Bool.random(using: &random)
        guard faulty else { return truth(call, key) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where cutOff: return .failed(.notSent(.cannotConnect("refused")))
        case 1 where cutOff: return .failed(.notSent(.circuitOpen(until: now + .seconds(30))))
        case 2: return .failed(.throttled(retryAfter: Bool.random(using: &random) ? .seconds(7) : nil))
        case 3: return .failed(lastSend.map { now < $0 + .seconds(30) } == true ? .conflict : .unknown(.barred(status: 403)))
        case 4:
            now = now + .seconds(15)
            return .failed(.unknown(.timedOut))
        case 5:
            _ = flexFactor.execute(call, key: key)
            now = now + .seconds(15)
            return .failed(.unknown(.timedOut))
        case 6:
            // The request lies somewhere on the way and arrives when nobody waits for it any more.
            flexFactor.underway.append((call, key, now + .seconds(Int64.random(in: 1...100, using: &random))))
            now = now + .seconds(15)
            return .failed(.unknown(.connectionLost("reset")))
        default:
            if Bool.random(using: &random) { _ = flexFactor.execute(call, key: key) }
            return .failed(.unknown(.serverError(status: 502)))
        }
    }

    /// FlexFactor's answer, as far as it lets itself be asked.
    private mutating func truth(_ call: FlexFactorCall, _ key: UInt64) -> FlexFactorAnswer {
        switch call {
        case .find: return asking.shown(flexFactor.execute(call, key: key))
        case .cancelByReference where !asking.cancelAnswers: return .failed(.unknown(.barred(status: 404)))
        default: return flexFactor.execute(call, key: key)
        }
    }

    /// Without an answer to the one call that is keyed by our reference, and without a list that shows everything, an outcome may stay
    /// unknown.
    private var mayStayUnknown: Bool { !asking.cancelAnswers }

    /// What is wrong with how it ended, if anything.
    var verdict: String? {
        if story.last?.hasPrefix("still going") == true { return "it never ends" }
        if told.count > 1 { return "told \(told)" }
        if told.isEmpty, letters.isEmpty { return "told nothing" }
        if !letters.isEmpty, !mayStayUnknown { return "gave up although FlexFactor can be asked" }
        if told.contains(.declined), flexFactor.hasOpenChallenge { return "told declined, and the challenge can still be solved" }
        if zip(captures, captures.dropFirst().dropFirst()).contains(where: { $1 - $0 < .seconds(1) }) { return "captured in a circle" }
        if told.isEmpty { return flexFactor.charges > 1 ? "charged \(flexFactor.charges) times" : nil }
        if flexFactor.charges > 1 { return "charged \(flexFactor.charges) times" }
        if told.contains(.approved) != (flexFactor.charges == 1) { return "told \(told), charged \(flexFactor.charges) times" }
        return nil
    }
}

/// FlexFactor in a few lines: what it does with a request that arrives, and nothing else.
struct ModelFlexFactor {
    enum Destiny: CaseIterable { case approve, decline, challenge, authorise, authoriseAndFailCapture, refuseCapture, workLong }

    var hasOpenChallenge: Bool { destiny == .challenge && orders.contains { $0.state == .processing } }

    var destiny = Destiny.approve
    var charges = 0
    var underway: [(FlexFactorCall, UInt64, Moment)] = []
    private var orders: [(id: FlexFactorOrderID, key: UInt64, state: FlexFactorOrder.State, first: FlexFactorAnswer)] = []

    mutating func arrive(until now: Moment) {
        let arrived = underway.filter { $0.2 <= now }
        underway.removeAll { $0.2 <= now }
        for (call, key, _) in arrived { _ = execute(call, key: key) }
    }

    mutating func execute(_ call: FlexFactorCall, key: UInt64) -> FlexFactorAnswer {
        switch call {
        case .evaluate, .recall:
            if let known = orders.first(where: { $0.key == key }) { return known.first }
            let id = FlexFactorOrderID("order-\(orders.count)")
            let (state, status): (FlexFactorOrder.State, EvaluationStatus) =
                switch destiny {
                case .approve: (.completed, .approved)
                case .decline: (.cancelled, .declined)
                case .challenge: (.processing, .challenge)
                case .authorise, .authoriseAndFailCapture, .refuseCapture: (.captureRequired, .captureRequired)
                case .workLong: (.processing, .processing)
                }
            if state == .completed { charges += 1 }
            orders.append((id, key, state, .evaluated(status, id)))
            return .evaluated(status, id)
        case .capture(let id, _, _):
            guard let index = orders.firstIndex(where: { $0.id == id }) else { return .failed(.refused(status: 404, [])) }
            if orders[index].state == .completed { return .captured }
            guard orders[index].state == .captureRequired else { return .failed(.refused(status: 400, [])) }
            if destiny == .refuseCapture { return .failed(.refused(status: 400, [])) }
            if destiny == .authoriseAndFailCapture { return .captureFailed(code: "2001") }
            orders[index].state = .completed
            charges += 1
            return .captured
        case .refund: return .failed(.refused(status: 400, []))
        case .find: return look(orders.indices.last)
        case .lookUp(let id): return look(orders.firstIndex { $0.id == id })
        case .cancel(let id): return cancel(orders.firstIndex { $0.id == id })
        case .cancelByReference: return cancel(orders.indices.last)
        }
    }

    private func look(_ index: Int?) -> FlexFactorAnswer {
        index.map { .found(FlexFactorOrder(id: orders[$0].id, state: orders[$0].state)) } ?? .noSuchOrder
    }

    private mutating func cancel(_ index: Int?) -> FlexFactorAnswer {
        guard let index else { return .noSuchOrder }
        switch orders[index].state {
        case .captureRequired, .processing, .draft:
            orders[index].state = .cancelled
            return .cancelAccepted
        default: return .cancelRefused
        }
    }
}

extension FlexFactorCall {
    var shortName: String {
        switch self {
        case .evaluate: "evaluate"
        case .recall: "recall"
        case .find: "find"
        case .lookUp: "look up"
        case .cancel: "cancel"
        case .cancelByReference: "cancel by reference"
        case .capture: "capture"
        case .refund: "refund"
        }
    }
}
