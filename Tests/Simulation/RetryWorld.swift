import TestSupport

@testable import DeclineRecovery

/// One retry's weeks in virtual time: a CRM that repeats itself and may cancel, a broker that redelivers, pods with clocks of their own
/// that die between any two effects, and a FlexFactor that fails, forgets, and sends its webhooks late, twice or never.
///
/// Everything random comes from the seed. Faults end at `calmFrom`, so that everything must come to an end by itself.
struct RetryWorld {
    /// A part of the core that is broken on purpose, to see that the world notices.
    enum Mutation: CaseIterable {
        case takesSilenceForTheEnd, makesNewKeys, expiresWithoutLooking, expiresWithoutCancelling, doesNotKnowOfCancels, tellsClosedAtOnce
        case cancelsWithoutAnnouncing, believesEveryWebhook, dropsWhatFails, keepsThePerson, givesUpAfterSending, believesTheList,
            believesOneDenial, believesAnEdge
        case repeatsWithForgottenKeys, takesCancelledForTheEnd, chargesWhatOthersSent, tellsNothingOfCaptures
    }

    enum Message {
        /// Which copy of the decline it comes from.
        case recovery(Recovery, copy: Int)
        case cancellation(Cancellation)
        case news(WebhookNews)
    }

    struct Waiting {
        let message: Message
        let due: Moment
        let isRedelivered: Bool
    }

    let mutation: Mutation?
    let begin = Moment(milliseconds: 1_800_000_000_000)
    let gateway: FlexFactorGateway
    let reference: RecoveryReference
    let timing: RecoveryTiming
    /// FlexFactor carries the first charge out, and answers nothing for so long.
    let blackout: Moment.Span?
    var blackoutEnds: Moment?
    /// The first charge lies on the way for so long, while the CRM cancels.
    let straggles: Moment.Span?
    var hasStraggled = false
    /// The copy of the decline that sends: as the claims that every pod sees have it.
    var sender: Int?
    let until: Moment
    let calmFrom: Moment
    /// FlexFactor cannot be reached at all before `calmFrom`. A pod that gives up then tells something that it alone knows, so crashes and
    /// copies of the decline are left out of these worlds.
    let isCutOff: Bool
    var random: SeededRandom
    var now: Moment
    var waiting: [Waiting] = []
    var flexFactor: RetryFlexFactor
    var announcedAt: Moment?
    var told: Set<ResultKind> = []
    var letters: [String] = []
    var endedAt: Moment
    var fault: String?
    var deaths: Int
    var story: [String] = []
    var keepsStory = false

    init(seed: UInt64, mutation: Mutation? = nil, keepsStory: Bool = false) {
        self.mutation = mutation
        self.keepsStory = keepsStory
        random = SeededRandom(seed: seed)
        timing = mutation == .repeatsWithForgottenKeys ? RecoveryTiming(keysLive: .days(30)) : RecoveryTiming()
        blackout = Int.random(in: 0..<10, using: &random) == 0 ? .minutes(Int64.random(in: 1...4_000, using: &random)) : nil
        now = begin
        endedAt = begin
        let mode: MITMode = Bool.random(using: &random) ? .managed : .sync
        gateway = FlexFactorGateway(id: "42", expiryDays: Int.random(in: 1...21, using: &random), mitMode: mode)
        until = begin + .days(Int64(gateway.expiryDays))
        isCutOff = Int.random(in: 0..<12, using: &random) == 0
        var early = SeededRandom(seed: seed ^ 0x57A6)
        let isReached = !isCutOff && blackout == nil
        straggles = isReached && Int.random(in: 0..<30, using: &early) == 0 ? .seconds(Int64.random(in: 30...100, using: &early)) : nil
        calmFrom = begin + .minutes(Int64.random(in: 0...Int64(gateway.expiryDays) * 1_500, using: &random))
        deaths = Int.random(in: 0...10, using: &random)
        flexFactor = RetryFlexFactor(mode: mode, seed: seed, begin: begin, life: until - begin)
        let sample = Recovery.retrySample(mode, until: until, declinedAt: begin)
        reference = sample.reference
        waiting = [Waiting(message: .recovery(sample, copy: 0), due: begin, isRedelivered: false)]
        if !isCutOff, Int.random(in: 0..<3, using: &random) == 0 {
            let again = begin + .minutes(Int64.random(in: 0...(Bool.random(using: &random) ? 5 : 3_000), using: &random))
            let copy = Recovery.retrySample(mode, until: again + .days(Int64(gateway.expiryDays)), declinedAt: begin)
            waiting.append(Waiting(message: .recovery(copy, copy: 1), due: again, isRedelivered: false))
        }
        if straggles != nil {
            let cancellation = Cancellation(
                merchantID: "acme", reference: reference, gateways: ["42"], since: begin + .seconds(Int64.random(in: 1...25, using: &early))
            )
            waiting.append(Waiting(message: .cancellation(cancellation), due: cancellation.since, isRedelivered: false))
        } else if Int.random(in: 0..<3, using: &random) == 0 {
            let life = (until - begin).milliseconds
            let at: Int64 =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: Int64.random(in: 0...120_000, using: &random)
                case 1: life + Int64.random(in: -600_000...7_200_000, using: &random)
                case 2: flexFactor.turn.milliseconds + Int64.random(in: -200_000...200_000, using: &random)
                default: Int64.random(in: 0...life, using: &random)
                }
            let cancellation = Cancellation(
                merchantID: "acme", reference: reference, gateways: ["42"], since: begin + .milliseconds(max(at, 0)))
            waiting.append(Waiting(message: .cancellation(cancellation), due: cancellation.since, isRedelivered: false))
        }
    }

    mutating func run() {
        var steps = 0
        while let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) {
            steps += 1
            guard steps < 20_000 else {
                fault = "still going after 20,000 steps"
                return
            }
            let delivery = waiting.remove(at: index)
            passTime(to: delivery.due)
            endedAt = now
            switch delivery.message {
            case .recovery(let recovery, let copy): take(recovery, copy, delivery)
            case .cancellation(let cancellation): take(cancellation, delivery)
            case .news(let news): take(news, delivery)
            }
            if fault != nil { return }
        }
        passTime(to: now + .days(30))
        while let index = waiting.indices.first, case .news(let news) = waiting[index].message {
            let delivery = waiting.remove(at: index)
            take(news, delivery)
        }
    }

    private mutating func passTime(to moment: Moment) {
        now = max(now, moment)
        for change in flexFactor.live(until: now) { report(change.event, at: change.at) }
    }

    private mutating func note(_ line: @autoclosure () -> String) {
        if keepsStory { story.append("+\((now - begin).milliseconds / 1_000)s \(line())") }
    }

    // MARK: Deliveries

    private mutating func take(_ original: Recovery, _ copy: Int, _ delivery: Waiting) {
        // One decline is one recovery: who comes second is told what the first comes to.
        if mutation != .chargesWhatOthersSent, let sender, sender != copy { return }
        if isTold { return }
        var recovery = original
        // The clock of the pod that has it now.
        let skew = Moment.Span.milliseconds(Int64.random(in: -180_000...180_000, using: &random))
        recovery.pickUp(
            redelivered: delivery.isRedelivered, isCancelRequested: isCancelKnown,
            isKnownUnsent: sender == nil || mutation == .chargesWhatOthersSent)
        for _ in 0..<50 {
            if dies() { return comeBack(delivery) }
            let step = recovery.next(now: now + skew, timing: timing)
            let call: FlexFactorCall
            switch step {
            case .call(let wanted): call = wanted
            case .stop(let stop):
                note("\(recovery.phase.word): \(stop)")
                return end(recovery, stop, skew, copy, delivery)
            case .tokenize:
                fault = "a token is exchanged"
                return
            }
            if mutation == .expiresWithoutLooking, case .closing(let id, .look) = recovery.phase {
                return end(recovery, .conclude(.expired(.atExpiry, id)), skew, copy, delivery)
            }
            if case .evaluate = call { sender = sender ?? copy }
            var answer = perform(call)
            note("\(recovery.phase.word) \(call.shortName) -> \(answer)")
            if dies() { return comeBack(delivery) }
            if mutation == .believesAnEdge, answer == .failed(.unknown(.barred(status: 404))) { answer = .noSuchOrder }
            if case .closing = recovery.phase {
                if mutation == .believesTheList, answer == .notListed {
                    return end(recovery, .conclude(.expired(.neverArrived, nil)), skew, copy, delivery)
                }
                if mutation == .believesOneDenial, answer == .noSuchOrder {
                    return end(recovery, .conclude(.expired(.neverArrived, nil)), skew, copy, delivery)
                }
            }
            if mutation == .takesCancelledForTheEnd, case .found(let order) = answer, order.state == .cancelled {
                return end(recovery, .conclude(.expired(.closed, order.id)), skew, copy, delivery)
            }
            if case .failed(.unknown) = answer {
                if mutation == .takesSilenceForTheEnd { return end(recovery, .conclude(.expired(.closed, nil)), skew, copy, delivery) }
                if mutation == .dropsWhatFails { return }
                if mutation == .givesUpAfterSending, case .evaluate = call { return end(recovery, .spend, skew, copy, delivery) }
            }
            let before = recovery
            if let stop = recovery.learned(answer, now: now + skew, timing: timing) {
                if mutation == .keepsThePerson { recovery.charge = before.charge }
                return end(recovery, stop, skew, copy, delivery)
            }
            if mutation == .expiresWithoutCancelling, case .closing(let id, .cancel) = recovery.phase {
                return end(recovery, .conclude(.expired(.atExpiry, id)), skew, copy, delivery)
            }
        }
        fault = "fifty calls in one delivery"
    }

    private mutating func end(_ recovery: Recovery, _ stop: RecoveryStop, _ skew: Moment.Span, _ copy: Int, _ delivery: Waiting) {
        note("  \(stop)")
        switch stop {
        case .park(let until): park(recovery, until, skew, copy)
        case .advance: waiting.append(Waiting(message: .recovery(recovery, copy: copy), due: now, isRedelivered: false))
        case .submitted(_, let until):
            let waitsForCapture = if case .capturing = recovery.phase { true } else { false }
            if mutation != .tellsNothingOfCaptures || !waitsForCapture { told.insert(.submitted) }
            park(recovery, until, skew, copy)
        case .conclude(let outcome): told.insert(ResultReason(outcome).kind)
        case .refuse: told.insert(.rejected)
        case .spend:
            told.insert(.skipped)
            letters.append("attempts spent")
        case .giveUp: letters.append("outcome unknown")
        }
        // Published and confirmed, but not acknowledged.
        if dies() { comeBack(delivery) }
    }

    private mutating func park(_ recovery: Recovery, _ until: Moment, _ skew: Moment.Span, _ copy: Int) {
        switch recovery.phase {
        case .watching, .closed: if recovery.charge != nil { fault = "a person is parked for days" }
        case .capturing:
            if !told.contains(.submitted) { fault = "FlexFactor has it, and nobody was told" }
            if gateway.mitMode == .managed, recovery.charge != nil { fault = "a person is parked for days" }
        default: break
        }
        var delay = DelayLadder.entry(after: until - (now + skew), to: .retry).delay
        if mutation == .tellsClosedAtOnce, case .closed = recovery.phase { delay = .seconds(1) }
        waiting.append(Waiting(message: .recovery(recovery, copy: copy), due: now + delay, isRedelivered: false))
    }

    private mutating func take(_ original: Cancellation, _ delivery: Waiting) {
        if isTold { return }
        var cancellation = original
        if cancellation.begin() != nil {
            if mutation != .cancelsWithoutAnnouncing { announcedAt = announcedAt ?? now }
            waiting.append(Waiting(message: .cancellation(cancellation), due: now, isRedelivered: false))
            if dies() { comeBack(delivery) }
            return
        }
        while let (call, _) = cancellation.nextCall {
            if dies() { return comeBack(delivery) }
            let answer = perform(call)
            note("cancellation \(cancellation.phase.word) \(call.shortName) -> \(answer)")
            if dies() { return comeBack(delivery) }
            guard let stop = cancellation.learned(answer, now: now, timing: timing) else { continue }
            note("  \(stop)")
            switch stop {
            case .park(let until):
                waiting.append(
                    Waiting(
                        message: .cancellation(cancellation), due: now + DelayLadder.entry(after: until - now, to: .retry).delay,
                        isRedelivered: false))
            case .announce, .advance:
                waiting.append(Waiting(message: .cancellation(cancellation), due: now, isRedelivered: false))
            case .tell(let reason, _, _): told.insert(reason.kind)
            case .end: break
            case .giveUp: letters.append("cancellation given up")
            }
            if dies() { comeBack(delivery) }
            return
        }
    }

    private mutating func take(_ news: WebhookNews, _ delivery: Waiting) {
        if dies() { return comeBack(delivery) }
        if isTold { return }
        if mutation == .believesEveryWebhook {
            switch news.event {
            case .completed: told.insert(.approved)
            case .expired, .cancelled: told.insert(isCancelKnown ? .cancelled : .expired)
            default: break
            }
            return
        }
        guard case .look(let id) = news.step(gateway: gateway) else { return }
        let answer = perform(.lookUp(id))
        let outcome = news.learned(answer, isCancelRequested: isCancelKnown, now: now, timing: timing, owns: { _ in true })
        note("webhook \(news.event.word): \(answer), \(outcome)")
        if dies() { return comeBack(delivery) }
        switch outcome {
        case .tell(_, let reason, _): told.insert(reason.kind)
        case .wait(let span):
            var later = news
            if case .found(let order) = answer, order.state == .cancelled { later.hasWaited = true }
            later.looks += 1
            waiting.append(Waiting(message: .news(later), due: now + span, isRedelivered: false))
        case .distrust: letters.append("webhook")
        // It is captured under a claim, and this world has none: its recovery does it.
        case .ignore, .capture: break
        }
        if dies() { comeBack(delivery) }
    }

    /// What was told stays told: every pod sees it in the claims. Of some faults nothing would be seen then; their worlds have no claims.
    private var isTold: Bool {
        if let mutation, [.doesNotKnowOfCancels, .tellsClosedAtOnce, .cancelsWithoutAnnouncing, .believesEveryWebhook].contains(mutation) {
            return false
        }
        return told.contains(where: \.isFinal)
    }

    /// What is announced reaches each pod a moment later, at most half of the time that everybody waits for it.
    private var isCancelKnown: Bool {
        mutating get {
            guard let announcedAt, mutation != .doesNotKnowOfCancels else { return false }
            return now >= announcedAt + .milliseconds(Int64.random(in: 0...timing.settle.milliseconds / 2, using: &random))
        }
    }

    private mutating func comeBack(_ delivery: Waiting) {
        note("a pod dies")
        waiting.append(
            Waiting(message: delivery.message, due: now + .seconds(Int64.random(in: 0...90, using: &random)), isRedelivered: true))
    }

    /// Each death between publishing and acknowledging doubles a message, so there are only so many.
    private mutating func dies() -> Bool {
        guard deaths > 0, !isCutOff, now < calmFrom, Int.random(in: 0..<20, using: &random) == 0 else { return false }
        deaths -= 1
        return true
    }

    // MARK: FlexFactor

    private mutating func perform(_ call: FlexFactorCall) -> FlexFactorAnswer {
        passTime(to: now + .milliseconds(Int64.random(in: 5...3_000, using: &random)))
        let isNew = mutation == .makesNewKeys
        let key = isNew ? UInt64.random(in: 0...UInt64.max, using: &random) : call.key
        if let straggles, !hasStraggled, case .evaluate = call {
            hasStraggled = true
            flexFactor.underway.append((call, key, now + straggles))
            passTime(to: now + .seconds(20))
            return .failed(.unknown(.connectionLost("reset")))
        }
        if let blackout, blackoutEnds == nil, case .evaluate = call {
            blackoutEnds = now + blackout
            _ = execute(call, key)
        }
        if let blackoutEnds, now < blackoutEnds { return .failed(.unknown(.timedOut)) }
        guard now < calmFrom else { return execute(call, key) }
        if isCutOff {
            return .failed(.notSent(Bool.random(using: &random) ? .cannotConnect("refused") : .circuitOpen(until: now + .seconds(30))))
        }
        guard Int.random(in: 0..<3, using: &random) == 0 else { return execute(call, key) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .failed(.notSent(.cannotConnect("refused")))
        case 1: return .failed(.notSent(.circuitOpen(until: now + .seconds(30))))
        case 2: return .failed(.throttled(retryAfter: Bool.random(using: &random) ? .seconds(7) : nil))
        case 3: return .failed(.unknown(.barred(status: 403)))
        case 4, 5:
            if Bool.random(using: &random) { _ = execute(call, key) }
            passTime(to: now + .seconds(20))
            return .failed(.unknown(.timedOut))
        case 6:
            // The request lies somewhere on the way and arrives when nobody waits for it any more.
            flexFactor.underway.append((call, key, now + .seconds(Int64.random(in: 1...90, using: &random))))
            passTime(to: now + .seconds(20))
            return .failed(.unknown(.connectionLost("reset")))
        default:
            if Bool.random(using: &random) { _ = execute(call, key) }
            return .failed(.unknown(.serverError(status: 502)))
        }
    }

    private mutating func execute(_ call: FlexFactorCall, _ key: UInt64) -> FlexFactorAnswer {
        let (answer, events) = flexFactor.execute(call, key: key, now: now)
        for event in events { report(event, at: now) }
        return answer
    }

    /// A webhook: lost, late, doubled, and in no order.
    private mutating func report(_ event: WebhookNews.Event, at moment: Moment) {
        let copies =
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: 0
            case 4..<6: 2
            default: 1
            }
        for _ in 0..<copies {
            let late =
                Bool.random(using: &random)
                ? Int64.random(in: 20...5_000, using: &random) : Int64.random(in: 0...200_000_000, using: &random)
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: event, reference: reference, orderID: "order-0",
                receivedAt: max(now, moment + .milliseconds(late)))
            waiting.append(Waiting(message: .news(news), due: news.receivedAt, isRedelivered: false))
        }
    }

    // MARK: The promises

    /// Without an answer to the one call that is keyed by our reference, or when FlexFactor was silent for longer than it remembers keys, an
    /// outcome may stay unknown: it answers nothing to what it has taken, and cannot be reached at all then.
    private var mayStayUnknown: Bool {
        guard flexFactor.asking.cancelAnswers else { return true }
        guard let blackoutEnds else { return false }
        return (isCutOff ? max(calmFrom, blackoutEnds) : blackoutEnds) - begin > .minutes(900)
    }

    /// What is wrong with how it ended, if anything.
    var verdict: String? {
        if let fault { return fault }
        let finals = told.filter(\.isFinal)
        if finals.count > 1 { return "told \(finals)" }
        if flexFactor.charges > 1 { return "charged \(flexFactor.charges) times" }
        if finals.isEmpty, letters.contains("outcome unknown") || letters.contains("cancellation given up"), mayStayUnknown { return nil }
        if finals.contains(.approved) != (flexFactor.charges == 1) { return "told \(finals), charged \(flexFactor.charges) times" }
        if finals.isEmpty { return "told nothing final, letters \(letters)" }
        if letters.contains("outcome unknown"), !mayStayUnknown { return "gave up although FlexFactor could be asked" }
        let last = max(until + timing.grace, calmFrom, blackoutEnds ?? begin) + .days(5)
        if endedAt > last { return "ended \((endedAt - last).milliseconds / 3_600_000) h late" }
        return nil
    }
}

extension Recovery {
    static func retrySample(_ mode: MITMode, until: Moment, declinedAt: Moment) -> Recovery {
        let cascade = Recovery.sample(declinedAt: declinedAt)
        let charge = cascade.charge!
        let reference = RecoveryReference(
            orderID: "A1", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88", gatewayID: "7"))
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(mode, until: until),
            charge: Charge(
                reference: reference, isMerchantInitiated: true, isRecurring: true, expiry: mode == .managed ? until : nil, customerIP: nil,
                amount: charge.amount, declinedAt: declinedAt, decline: charge.decline, payer: charge.payer, billing: charge.billing,
                shipping: nil, paymentMethod: charge.paymentMethod, items: []),
            order: RecoveredOrder(reference), verdict: cascade.verdict, reply: nil)
    }
}
