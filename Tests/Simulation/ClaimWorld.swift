import TestSupport

@testable import DeclineRecovery

/// One debt in virtual time, and all who have a hand in it: copies of its declines on several pods at once, pods that die or freeze between
/// any two acts, a stream of claims that is late or out of reach, reloads that change the mapping between two copies, and a FlexFactor that
/// fails, executes late, or cannot be reached at all.
///
/// Unlike in the other worlds everything runs at the same time: each pod takes one action after the other, and others act in between.
struct ClaimWorld {
    /// A rule of the claims that is broken on purpose, to see that the world notices.
    enum Mutation: CaseIterable {
        case actsOnWhatWasTold, tellsWhatMayBeCharged, ignoresTheDebt, believesToBeAlone, tellsTwice, sendsWithoutClaiming,
            tellsWithoutClaiming, actsWhenFrozen, beginsWhilePaused, cancelsWhatMayBeCharged, tellsEachForm
    }

    enum Message {
        case recovery(Recovery)
        /// A copy that a reloaded mapping sends another way.
        case skip(Recovery)
        case news(WebhookNews)
        /// The CRM's command, which is over where the retry does not wait unsent: all else is the other world's matter.
        case cancel(RecoveryReference)
    }

    struct Waiting {
        let message: Message
        let due: Moment
    }

    /// A pod at work on one message.
    struct Hand {
        enum Next {
            case act
            /// The claim is out; its verdict is known from then on.
            case judged(Claim.ID, ClaimVerdict<ClaimRecord>?, isStale: Bool)
            case answered(FlexFactorAnswer)
        }

        var work: ClaimedRecovery
        let delivery: Waiting
        /// What it must not begin anything new in.
        let pause: Pause?
        var next: Next
        var at: Moment
    }

    struct Told: Hashable {
        let reference: RecoveryReference
        let kind: ResultKind
        let corrects: ResultKind?
        var other: RecoveryReference?
    }

    let seed: UInt64
    let mutation: Mutation?
    let begin = Moment(milliseconds: 1_800_000_000_000)
    let timing = RecoveryTiming()
    let calmFrom: Moment
    let isCutOff: Bool
    let mode: MITMode
    /// Something is paused for a while, in some worlds.
    let pause: Pause?
    var random: SeededRandom
    var now: Moment
    var waiting: [Waiting] = []
    var hands: [Hand] = []
    var book = ClaimBook()
    /// What a pod knows without asking: some records behind.
    var lateBook = ClaimBook()
    var lateCount = 0
    var records: [ClaimRecord] = []
    var cascades: [RecoveryReference: ModelFlexFactor] = [:]
    var retries: [RecoveryReference: RetryFlexFactor] = [:]
    var recoveries: [RecoveryReference: Recovery] = [:]
    var told: [(what: Told, at: Moment)] = []
    var letters: [String] = []
    var deaths: Int
    var claimCount: UInt64 = 0
    var fault: String?
    var story: [String] = []
    let keepsStory: Bool

    init(seed: UInt64, mutation: Mutation? = nil, keepsStory: Bool = false) {
        self.seed = seed
        self.mutation = mutation
        self.keepsStory = keepsStory
        var random = SeededRandom(seed: seed ^ 0xC1A1)
        now = begin
        calmFrom = begin + .seconds(Int64.random(in: 0...900, using: &random))
        isCutOff = Int.random(in: 0..<4, using: &random) == 0
        deaths = Int.random(in: 0...6, using: &random)
        mode = Bool.random(using: &random) ? .managed : .sync
        if Int.random(in: 0..<3, using: &random) == 0 {
            let since = begin + .seconds(Int64.random(in: -100...400, using: &random))
            // Few outlast a retry: it looks some hundred times then.
            let most: Int64 = Int.random(in: 0..<10, using: &random) == 0 ? 300_000 : 3_000
            pause = Pause(
                .merchant("acme"), since: since, until: since + .seconds(Int64.random(in: 1...most, using: &random)), by: "ada", why: "")
        } else {
            pause = nil
        }
        self.random = random
        addDecline(id: "d-1")
        // Now and then the second is the first in another form.
        var forms = SeededRandom(seed: seed ^ 0xF0A3)
        let isOtherForm = Int.random(in: 0..<4, using: &forms) == 0
        if Int.random(in: 0..<2, using: &self.random) == 0 { addDecline(id: isOtherForm ? "d-1" : "d-2", form: isOtherForm ? 1 : 0) }
    }

    private mutating func addDecline(id: String, form: Int = 0) {
        let isCascade = Bool.random(using: &random)
        var declinedAt = begin + .seconds(-Int64.random(in: 0...50, using: &random))
        // A rebill is tried again days after it was declined.
        if !isCascade, seed % 3 == 0 { declinedAt = declinedAt + .days(-3) }
        let sample = Recovery.sample(declinedAt: declinedAt)
        let until = begin + .days(Int64.random(in: 1...3, using: &random))
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: isCascade ? .sale : .rerun,
            sequence: (isCascade ? 0 : 1) + form)
        let charge = sample.charge!
        let recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: isCascade ? sample.route : .retry(mode, until: until),
            charge: Charge(
                reference: reference, isMerchantInitiated: !isCascade, isRecurring: false,
                expiry: !isCascade && mode == .managed ? until : nil,
                customerIP: nil, amount: charge.amount, declinedAt: declinedAt, decline: charge.decline, payer: charge.payer,
                billing: charge.billing,
                shipping: nil, paymentMethod: charge.paymentMethod, items: []),
            order: sample.order, verdict: sample.verdict, reply: form == 0 ? nil : ReplyAddress(queue: "checkout", correlationID: nil))
        recoveries[reference] = recovery
        if isCascade {
            cascades[reference] = ModelFlexFactor()
            cascades[reference]?.destiny = ModelFlexFactor.Destiny.allCases.randomElement(using: &random)!
        } else {
            retries[reference] = RetryFlexFactor(mode: mode, seed: seed ^ UInt64(id.utf8.last!), begin: begin, life: until - begin)
            // How FlexFactor lets itself be asked is the other worlds' matter.
            retries[reference]?.asking = .exact
            var early = SeededRandom(seed: seed ^ 0xCA9C ^ UInt64(id.utf8.last!))
            for _ in 0..<max(0, Int.random(in: -3...2, using: &early)) {
                let due = begin + .seconds(Int64.random(in: 0...900, using: &early))
                waiting.append(Waiting(message: .cancel(reference), due: due))
            }
        }
        for copy in 0...Int.random(in: 0...2, using: &random) {
            let late: Int64 =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: Int64.random(in: 0...3_000, using: &random)
                case 1: Int64.random(in: 0...200_000, using: &random)
                default: Int64.random(in: 0...300_000_000, using: &random)
                }
            let isReloaded = copy > 0 && Int.random(in: 0..<3, using: &random) == 0
            waiting.append(Waiting(message: isReloaded ? .skip(recovery) : .recovery(recovery), due: begin + .milliseconds(late)))
        }
    }

    // MARK: Time

    mutating func run() {
        var steps = 0
        while fault == nil {
            steps += 1
            guard steps < 20_000 else {
                fault = "still going after 20,000 steps"
                return
            }
            let message = waiting.indices.min { waiting[$0].due < waiting[$1].due }
            let hand = hands.indices.min { hands[$0].at < hands[$1].at }
            switch (message, hand) {
            case (nil, nil):
                passTime(to: now + .days(30))
                if waiting.isEmpty { return }
            case (let message?, nil): take(message)
            case (nil, let hand?): move(hand)
            case (let message?, let hand?): if waiting[message].due <= hands[hand].at { take(message) } else { move(hand) }
            }
        }
    }

    private mutating func passTime(to moment: Moment) {
        now = max(now, moment)
        for reference in cascades.keys { cascades[reference]?.arrive(until: now) }
        for reference in retries.keys.sorted(by: { $0.text < $1.text }) {
            for change in retries[reference]?.live(until: now) ?? [] { report(change.event, reference, at: change.at) }
        }
    }

    private mutating func note(_ line: @autoclosure () -> String) {
        if keepsStory { story.append("+\((now - begin).milliseconds) ms \(line())") }
    }

    private mutating func take(_ index: Int) {
        let delivery = waiting.remove(at: index)
        passTime(to: delivery.due)
        switch delivery.message {
        case .recovery(let recovery):
            catchUpABit()
            // A pod may know nothing at all yet.
            let isBlind = Int.random(in: 0..<8, using: &random) == 0
            let standing = isBlind ? nil : lateBook.standing(of: Fingerprint(of: recovery.reference, merchant: "acme"))
            // Every pod has heard of it after two seconds.
            let isHeard = pause.map { now >= $0.since + .seconds(Int64.random(in: 0...2, using: &random)) } ?? false
            let paused = isHeard && pause?.isInForce(at: now) == true ? pause : nil
            let work = ClaimedRecovery(recovery, standing: standing, pause: mutation == .beginsWhilePaused ? nil : paused)
            // What was begun is brought to its end.
            let isCascade = if case .cascade = recovery.route { true } else { false }
            let isAnswered = if case .resting = recovery.phase { (standing?.askedPost ?? 0) <= recovery.post } else { false }
            let holds =
                recovery.isBeforeCharge && (standing?.isAsking != true || isAnswered) && !(isCascade && standing?.mayBeCharged == true)
            hands.append(Hand(work: work, delivery: delivery, pause: holds ? paused : nil, next: .act, at: now + rest()))
        case .skip(let recovery):
            // Intake has one act: it is atomic here.
            if dies(before: delivery) { return }
            tell(recovery.reference, Claim.Told(.skipped, .unsent), debt: Debt(recovery.order, of: "acme"), delivery)
        case .news(let news): hear(news, delivery)
        case .cancel(let reference):
            if dies(before: delivery) { return }
            // What is known may be late, and the stream says what holds.
            catchUpABit()
            let isWaiting = lateBook.standing(of: Fingerprint(of: reference, merchant: "acme"))?.isWaiting == true
            let isDaring = mutation == .cancelsWhatMayBeCharged
            if isWaiting || isDaring { tell(reference, Claim.Told(.cancelled, isDaring ? .known : .unsent), debt: nil, delivery) }
        }
    }

    private mutating func rest() -> Moment.Span { .milliseconds(Int64.random(in: 0...400, using: &random)) }

    private mutating func dies(before delivery: Waiting) -> Bool {
        guard deaths > 0, now < calmFrom, Int.random(in: 0..<15, using: &random) == 0 else { return false }
        deaths -= 1
        note("a pod dies")
        waiting.append(Waiting(message: delivery.message, due: now + .seconds(Int64.random(in: 0...90, using: &random))))
        return true
    }

    // MARK: A pod's next action

    private mutating func move(_ index: Int) {
        var hand = hands.remove(at: index)
        passTime(to: hand.at)
        if dies(before: hand.delivery) { return }
        switch hand.next {
        case .act: break
        case .judged(let id, let verdict, let isStale):
            if case .granted(alone: true, _)? = verdict, case .send? = records.last(where: { $0.claim.id == id })?.claim.act,
                hand.pause?.isInForce(at: now) == true
            {
                fault = "a charge is begun while it is paused"
                return
            }
            let recovery = hand.work.recovery
            let first = records.first { $0.claim.reference == recovery.reference }?.claim
            let standing = book.standing(of: Fingerprint(of: recovery.reference, merchant: recovery.merchantID))
            hand.work.judged(
                id, verdict, isStale: isStale && mutation != .actsWhenFrozen,
                beside: ClaimedRecovery.Beside(begun: first?.at, gateway: standing?.gateway), now: now, timing: timing)
        case .answered(let answer): hand.work.learned(answer, now: now, timing: timing)
        }
        let recovery = hand.work.recovery
        let action = hand.work.next(now: now, timing: timing)
        note("\(recovery.reference.kind.rawValue) \(recovery.reference.tag!.prefix(3)) \(recovery.phase.word): \(action)")
        switch action {
        case .claim(let act, _):
            let (id, verdict, delay) = claim(act, recovery)
            // Frozen at the worst of moments.
            let isFrozen = now < calmFrom && Int.random(in: 0..<12, using: &random) == 0
            let rest = isFrozen ? Moment.Span.seconds(Int64.random(in: 11...600, using: &random)) : delay
            hand.next = .judged(id, verdict, isStale: rest.milliseconds > Claim.validity.milliseconds)
            hand.at = now + rest
            note("  -> \(verdict.map { "\($0)".prefix(60) } ?? "none")")
        case .call(let call):
            // Nothing that takes money is written when its time is over, however long the claim took.
            let isLate = call.takesMoney && now >= recovery.chargingEnds && mutation != .actsWhenFrozen
            let (answer, after) = isLate ? (FlexFactorAnswer.failed(.notSent(.deadline)), now) : perform(call, recovery.reference)
            hand.next = .answered(answer)
            hand.at = after
            note("  -> \(answer)")
        case .tokenize:
            fault = "a token is exchanged"
            return
        case .finish(let end): return finish(hand, end)
        }
        hands.append(hand)
    }

    private mutating func finish(_ hand: Hand, _ end: ClaimedRecovery.Finish) {
        let recovery = hand.work.recovery
        switch end {
        case .hold: park(recovery, now + .seconds(5))
        case .again(let record): repeatTold(record)
        case .left: break
        case .tell(let draft, let corrects, let isSpent):
            told.append((Told(reference: recovery.reference, kind: draft.reason.kind, corrects: corrects, other: draft.other), now))
            if isSpent { letters.append("attempts spent") }
        case .stop(.park(let until)): park(recovery, until)
        case .stop(.submitted(_, let until)):
            told.append((Told(reference: recovery.reference, kind: .submitted, corrects: nil), now))
            park(recovery, until)
        case .stop(.giveUp): letters.append("outcome unknown")
        case .stop(let stop):
            fault = "stopped with \(stop)"
            return
        }
        // Published and confirmed, but not acknowledged.
        _ = dies(before: hand.delivery)
    }

    private mutating func park(_ recovery: Recovery, _ until: Moment) {
        waiting.append(Waiting(message: .recovery(recovery), due: now + DelayLadder.entry(after: until - now, to: .retry).delay))
    }

    private mutating func repeatTold(_ record: ClaimRecord) {
        guard case .told(let what) = record.claim.act,
            let first = told.first(where: { $0.what.reference == record.claim.reference && $0.what.kind == what.kind })
        else {
            // Its teller died before it published.
            if case .told(let what) = record.claim.act {
                told.append((Told(reference: record.claim.reference, kind: what.kind, corrects: nil), now))
            }
            return
        }
        told.append((first.what, now))
    }

    // MARK: Claims

    private mutating func claim(_ act: Claim.Act, _ recovery: Recovery) -> (Claim.ID, ClaimVerdict<ClaimRecord>?, Moment.Span) {
        let isSend = if case .send = act { true } else { false }
        let isTold = if case .told = act { true } else { false }
        if mutation == .sendsWithoutClaiming, isSend || mutation == .tellsWithoutClaiming && isTold {
            return (0, .granted(alone: true, corrects: nil), rest())
        }
        if mutation == .tellsWithoutClaiming, isTold { return (0, .granted(alone: true, corrects: nil), rest()) }
        let isOut = now < calmFrom && Int.random(in: 0..<15, using: &random) == 0
        if isOut, Bool.random(using: &random) { return (0, nil, .seconds(12)) }
        let (id, verdict) = append(act, recovery.reference, Debt(recovery.order, of: "acme"), recovery.amount)
        // It stands there, and its maker does not hear of it.
        if isOut {
            if isSend { _ = append(.unsent(id), recovery.reference, Debt(recovery.order, of: "acme"), recovery.amount) }
            return (id, nil, .seconds(12))
        }
        return (id, verdict, rest())
    }

    private mutating func append(
        _ act: Claim.Act, _ reference: RecoveryReference, _ debt: Debt?, _ amount: Money?
    ) -> (Claim.ID, ClaimVerdict<ClaimRecord>) {
        claimCount += 1
        let record = ClaimRecord(
            Claim(
                id: claimCount, merchantID: "acme", reference: reference,
                debt: mutation == .ignoresTheDebt ? nil : debt.map(Fingerprint.init(of:)), amount: amount,
                act: act, at: now, until: now + .days(40), worker: "w"))
        records.append(record)
        let found = book.take(record.claim, at: Int64(records.count - 1))
        let records = records
        let verdict = found.map { records[Int($0)] }!
        return (claimCount, mutated(verdict))
    }

    private func mutated(_ verdict: ClaimVerdict<ClaimRecord>) -> ClaimVerdict<ClaimRecord> {
        switch (mutation, verdict) {
        case (.actsOnWhatWasTold, .told(let record, _)) where record.claim.act.word == "told": .granted(alone: true, corrects: nil)
        case (.tellsWhatMayBeCharged, .mayBeCharged), (.believesToBeAlone, .granted): .granted(alone: true, corrects: nil)
        case (.tellsTwice, .told): .granted(alone: false, corrects: nil)
        // As older pods read it, which are every second one here.
        case (.tellsEachForm, .otherForm(let record, _)) where claimCount % 2 == 0: .inRecovery(record)
        default: verdict
        }
    }

    private mutating func catchUpABit() {
        let known = records.count - Int.random(in: 0...4, using: &random)
        while lateCount < known {
            _ = lateBook.take(records[lateCount].claim, at: Int64(lateCount))
            lateCount += 1
        }
    }

    /// What tells at once: intake's skips and webhooks.
    private mutating func tell(_ reference: RecoveryReference, _ what: Claim.Told, debt: Debt?, _ delivery: Waiting) {
        let (_, verdict) = append(.told(what), reference, debt, recoveries[reference]?.amount)
        note("told \(what.kind) \(what.basis): \("\(verdict)".prefix(60))")
        switch verdict {
        case .granted(_, let corrects): told.append((Told(reference: reference, kind: what.kind, corrects: corrects), now))
        case .told(let record, _): repeatTold(record)
        case .mayBeCharged, .askedTooEarly, .nextPost, .otherForm: break
        case .inRecovery, .recovered: tell(reference, Claim.Told(.skipped, .pointer), debt: debt, delivery)
        }
        _ = dies(before: delivery)
    }

    // MARK: FlexFactor

    private mutating func hear(_ news: WebhookNews, _ delivery: Waiting) {
        if dies(before: delivery) { return }
        guard let reference = news.reference, case .look(let id) = news.step(gateway: FlexFactorGateway(id: "42", mitMode: mode)) else {
            return
        }
        let (answer, _) = perform(.lookUp(id), reference)
        switch news.learned(answer, isCancelRequested: false, now: now, timing: timing, owns: { _ in true }) {
        case .tell(_, let reason, _): tell(reference, Claim.Told(reason.kind, .known), debt: nil, delivery)
        case .wait(let span):
            var later = news
            if case .found(let order) = answer, order.state == .cancelled { later.hasWaited = true }
            later.looks += 1
            waiting.append(Waiting(message: .news(later), due: now + span))
        case .ignore, .distrust, .capture: break
        }
    }

    private mutating func report(_ event: WebhookNews.Event, _ reference: RecoveryReference, at moment: Moment) {
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: event, reference: reference, orderID: "order-0",
                receivedAt: max(now, moment + .milliseconds(Int64.random(in: 20...90_000, using: &random))))
            waiting.append(Waiting(message: .news(news), due: news.receivedAt))
        }
    }

    private mutating func perform(_ call: FlexFactorCall, _ reference: RecoveryReference) -> (FlexFactorAnswer, Moment) {
        let soon = now + .milliseconds(Int64.random(in: 5...2_000, using: &random))
        guard now < calmFrom else { return (execute(call, reference), soon) }
        if isCutOff {
            return (
                .failed(.notSent(Bool.random(using: &random) ? .cannotConnect("refused") : .circuitOpen(until: now + .seconds(30)))), soon
            )
        }
        guard Int.random(in: 0..<2, using: &random) == 0 else { return (execute(call, reference), soon) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1: return (.failed(.notSent(.cannotConnect("refused"))), soon)
        case 2: return (.failed(.throttled(retryAfter: nil)), soon)
        case 3: return (.failed(.unknown(.timedOut)), now + .seconds(20))
        case 4:
            let at = now + .seconds(Int64.random(in: 1...60, using: &random))
            if cascades[reference] != nil {
                cascades[reference]?.underway.append((call, call.key, at))
            } else {
                retries[reference]?.underway.append((call, call.key, at))
            }
            return (.failed(.unknown(.connectionLost("reset"))), now + .seconds(20))
        default:
            _ = execute(call, reference)
            return (.failed(.unknown(.timedOut)), now + .seconds(20))
        }
    }

    private mutating func execute(_ call: FlexFactorCall, _ reference: RecoveryReference) -> FlexFactorAnswer {
        if cascades[reference] != nil { return cascades[reference]!.execute(call, key: call.key) }
        let (answer, events) = retries[reference]!.execute(call, key: call.key, now: now)
        for event in events { report(event, reference, at: now) }
        return answer
    }

    // MARK: The promises

    private func charges(_ reference: RecoveryReference) -> Int { cascades[reference]?.charges ?? retries[reference]?.charges ?? 0 }

    /// What is wrong with how it ended, if anything.
    var verdict: String? {
        if let fault { return fault }
        let total = recoveries.keys.reduce(0) { $0 + charges($1) }
        if total > 1 { return "the debt was charged \(total) times" }
        if letters.contains("outcome unknown") { return "gave up although FlexFactor can be asked" }
        for reference in recoveries.keys {
            let mine = told.filter { $0.what.reference == reference }
            let finals = Set(mine.filter { $0.what.kind.isFinal }.map(\.what.kind))
            // A decline that came in two forms is told by one name.
            let ends = told.filter { $0.what.kind.isFinal && $0.what.reference.isOfSameDecline(as: reference) }
            if ends.isEmpty { return "\(reference) was told nothing final" }
            let names = Set(ends.map { "\($0.what.reference) \($0.what.kind)" })
            if names.count > 1 { return "one decline was told as \(names.sorted())" }
            if mine.contains(where: { $0.what.corrects != nil }) { return "\(reference) was corrected" }
            if finals.contains(.approved) != (charges(reference) == 1) {
                return "\(reference) was told \(finals) and charged \(charges(reference)) times"
            }
            if let first = mine.first(where: { $0.what.kind.isFinal }),
                // Between a claim's reading and its act another's may come: what is told in that second is told at the same time.
                mine.contains(where: { $0.what.kind == .submitted && $0.at > first.at + .seconds(1) })
            {
                return "\(reference) was told submitted after its end"
            }
        }
        return nil
    }
}
