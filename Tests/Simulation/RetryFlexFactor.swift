import TestSupport

@testable import DeclineRecovery

/// What FlexFactor does with merchant-initiated charges over weeks, and nothing else. It forgets idempotency keys after a day.
struct RetryFlexFactor {
    enum Destiny: CaseIterable {
        case approveAtOnce, approveLater, neverApprove, closeEarly, declineAtOnce, declineAndGoOn, captureRequired, failCapture,
            forgetToClose
        /// Says "cancelled", and goes on: until the next post, or for less than the settling time.
        case cancelledForNow
    }

    struct Order {
        let id: FlexFactorOrderID
        var state: FlexFactorOrder.State
        let closesAt: Moment?
        var posts = 1
    }

    struct Key {
        let key: UInt64
        let at: Moment
        let payload: Moment?
        let answer: FlexFactorAnswer
    }

    let mode: MITMode
    let destiny: Destiny
    /// When what is destined happens, from the beginning.
    let turn: Moment.Span
    let begin: Moment
    let approvedAtPost: Int
    var asking: AskingModes
    var charges = 0
    var orders: [Order] = []
    var keys: [Key] = []
    var underway: [(call: FlexFactorCall, key: UInt64, at: Moment)] = []

    init(mode: MITMode, seed: UInt64, begin: Moment, life: Moment.Span) {
        var random = SeededRandom(seed: seed ^ 0xF1EC)
        asking = AskingModes(seed: seed)
        self.mode = mode
        self.begin = begin
        destiny = Destiny.allCases.randomElement(using: &random)!
        let atEnd = Int.random(in: 0..<3, using: &random) == 0
        let turned =
            atEnd
            ? life.milliseconds + Int64.random(in: -400_000...400_000, using: &random)
            : Int64.random(in: 0...life.milliseconds, using: &random)
        turn = .milliseconds(turned)
        approvedAtPost = Int.random(in: 1...6, using: &random)
    }

    /// What happens by itself until then.
    mutating func live(until now: Moment) -> [(event: WebhookNews.Event, at: Moment)] {
        var events: [(event: WebhookNews.Event, at: Moment)] = []
        for request in underway.filter({ $0.at <= now }).sorted(by: { $0.at < $1.at }) {
            events += execute(request.call, key: request.key, now: request.at).1.map { ($0, request.at) }
        }
        underway.removeAll { $0.at <= now }
        for index in orders.indices where orders[index].state == .processing && mode == .managed {
            let at = begin + turn
            switch destiny {
            case .approveLater, .declineAndGoOn, .cancelledForNow:
                guard at <= now, orders[index].closesAt.map({ at < $0 }) ?? true else { break }
                orders[index].state = .completed
                charges += 1
                events.append((.completed, at))
                continue
            case .closeEarly where at <= now:
                orders[index].state = .cancelled
                events.append((.cancelled, at))
                continue
            default: break
            }
            if let closesAt = orders[index].closesAt, closesAt <= now, destiny != .forgetToClose {
                orders[index].state = .cancelled
                events.append((.expired, closesAt))
            }
        }
        return events
    }

    mutating func execute(_ call: FlexFactorCall, key: UInt64, now: Moment) -> (FlexFactorAnswer, [WebhookNews.Event]) {
        switch call {
        case .evaluate(let charge, _), .recall(let charge, _): return evaluate(charge, key, now)
        case .capture(let id, _, _):
            guard let index = orders.firstIndex(where: { $0.id == id }) else { return (.failed(.refused(status: 404, [])), []) }
            if orders[index].state == .completed { return (.captured, []) }
            guard orders[index].state == .captureRequired else { return (.failed(.refused(status: 400, [])), []) }
            if destiny == .failCapture { return (.captureFailed(code: "2001"), []) }
            orders[index].state = .completed
            charges += 1
            return (.captured, [.completed])
        case .refund: return (.failed(.refused(status: 400, [])), [])
        case .find: return (asking.shown(look(orders.indices.last, now)), [])
        case .lookUp(let id): return (look(orders.firstIndex { $0.id == id }, now), [])
        case .cancel(let id): return cancel(orders.firstIndex { $0.id == id })
        case .cancelByReference: return asking.cancelAnswers ? cancel(orders.indices.last) : (.failed(.unknown(.barred(status: 404))), [])
        }
    }

    private mutating func evaluate(_ charge: Charge, _ key: UInt64, _ now: Moment) -> (FlexFactorAnswer, [WebhookNews.Event]) {
        keys.removeAll { $0.at + .days(1) < now }
        if let known = keys.first(where: { $0.key == key }) {
            return (known.payload == charge.expiry ? known.answer : .failed(.conflict), [])
        }
        if mode == .sync, let last = orders.indices.last {
            orders[last].posts += 1
            var events: [WebhookNews.Event] = []
            if orders[last].state == .processing, orders[last].posts >= approvedAtPost,
                [.approveLater, .approveAtOnce, .cancelledForNow].contains(destiny)
            {
                orders[last].state = .completed
                charges += 1
                events = [.completed]
            }
            if destiny == .closeEarly, orders[last].posts >= approvedAtPost, orders[last].state == .processing {
                // FlexFactor's own window is over before ours.
                orders[last].state = .cancelled
                events = [.cancelled]
            }
            let answer = FlexFactorAnswer.evaluated(word(orders[last].state), orders[last].id)
            keys.append(Key(key: key, at: now, payload: charge.expiry, answer: answer))
            return (answer, events)
        }
        var events: [WebhookNews.Event] = []
        let id = FlexFactorOrderID("order-\(orders.count)")
        let (state, status): (FlexFactorOrder.State, EvaluationStatus) =
            switch destiny {
            case .approveAtOnce: (.completed, .approved)
            case .declineAtOnce where mode == .managed: (.cancelled, .declined)
            case .declineAndGoOn: (.processing, .declined)
            case .captureRequired, .failCapture: (.captureRequired, .captureRequired)
            default: (.processing, mode == .managed ? .submitted : .declined)
            }
        if state == .completed {
            charges += 1
            events = [.completed]
        }
        if state == .cancelled { events = [.cancelled] }
        if state == .captureRequired { events = [.captureRequired] }
        orders.append(Order(id: id, state: state, closesAt: charge.expiry))
        let answer = FlexFactorAnswer.evaluated(status, id)
        keys.append(Key(key: key, at: now, payload: charge.expiry, answer: answer))
        return (answer, events)
    }

    private func word(_ state: FlexFactorOrder.State) -> EvaluationStatus {
        switch state {
        case .completed: .approved
        case .cancelled: .cancelled
        case .captureRequired: .captureRequired
        default: .declined
        }
    }

    private func look(_ index: Int?, _ now: Moment) -> FlexFactorAnswer {
        guard let index else { return .noSuchOrder }
        var state = orders[index].state
        if destiny == .cancelledForNow, state == .processing {
            let turnedAt = begin + turn
            if mode == .sync || now < turnedAt && now + .seconds(60) > turnedAt { state = .cancelled }
        }
        return .found(FlexFactorOrder(id: orders[index].id, state: state))
    }

    private mutating func cancel(_ index: Int?) -> (FlexFactorAnswer, [WebhookNews.Event]) {
        guard let index else { return (.noSuchOrder, []) }
        switch orders[index].state {
        case .captureRequired, .processing, .draft:
            orders[index].state = .cancelled
            return (.cancelAccepted, [.cancelled])
        case .cancelled: return (.cancelAccepted, [])
        default: return (.cancelRefused, [])
        }
    }
}

extension FlexFactorCall {
    /// The idempotency key, folded.
    var key: UInt64 {
        switch self {
        case .evaluate(_, let key), .recall(_, let key), .capture(_, _, let key): key.high ^ key.low
        default: 0
        }
    }
}
