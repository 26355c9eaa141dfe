package import DeclineRecovery

/// What is told to whoever need not watch, as it stands at a moment: a fault of `FleetStatus`, or a pause.
package struct NoticeFact: Sendable, Equatable {
    package enum Topic: String, Sendable {
        case fault, pause
    }

    package let topic: Topic
    /// The fault's kind, or what kind of thing is paused.
    package let kind: String
    /// Which of its kind; empty where there can be only one.
    package let subject: String
    package let since: Moment?
    /// When it ends by itself.
    package let until: Moment?
    /// How many it is about.
    package let count: Int
    package let what: String
    package let advice: String
    /// Tells this occurrence from an earlier one of the same, alike in every process that sees it; `nil` where nothing does.
    let mark: String?
    /// Of a mark that several occurrences may share: since when it is what it is. `nil` where it is this one's own.
    let markedAt: Moment?
    /// Where the newest of what grows stands, or by how many powers of ten it has grown. What has risen is told again.
    let order: Int64
    /// It has no newest: it is told again when there are ten times as many.
    var growsByCount: Bool { Self.countedKinds.contains(kind) }
    private static let countedKinds = [FleetStatus.Fault.Kind.overdue, .held, .unrouted].map(\.rawValue)
    var isOfBroker: Bool { kind == FleetStatus.Fault.Kind.brokerAway.rawValue }
    /// What is said of its end, where that is not the same in the past.
    var over: String? {
        kind == FleetStatus.Fault.Kind.workerSilent.rawValue
            ? "\(subject) speaks again, or was given up after five minutes." : nil
    }
    /// Until when more of what grows is gathered.
    let gatheredUntil: Moment?

    init(
        _ topic: Topic, _ kind: String, _ subject: String = "", since: Moment? = nil, until: Moment? = nil, count: Int = 1, what: String,
        advice: String, mark: String? = nil, markedAt: Moment? = nil, order: Int64 = 0, gatheredUntil: Moment? = nil
    ) {
        self.topic = topic
        self.kind = kind
        self.subject = subject
        self.since = since
        self.until = until
        self.count = count
        self.what = what
        self.advice = advice
        self.mark = mark
        self.markedAt = markedAt
        self.order = order
        self.gatheredUntil = gatheredUntil
    }

    /// The same from look to look. A pause that is ordered anew is another.
    var key: String {
        switch topic {
        case .fault: "fault/\(kind)/\(subject)"
        case .pause: "pause/\(kind)/\(subject)/\(mark ?? "")"
        }
    }
}

extension NoticeFact {
    /// All that is to be told of a fleet now.
    ///
    /// - Parameter gathering: for how long letters are gathered.
    package static func all(
        of status: FleetStatus, _ letters: LetterStore, _ flow: FlowStore, gathering: Moment.Span
    ) -> [NoticeFact] {
        status.faults.compactMap { fact(of: $0, status, letters, flow, gathering) } + status.pauses.map(fact)
    }

    /// The broker is away, so nothing else is known.
    package static func brokerAway(since: Moment) -> NoticeFact {
        let fault = FleetStatus.Fault.brokerAway(since: since)
        return NoticeFact(.fault, fault.kind.rawValue, since: since, what: fault.what, advice: fault.advice)
    }

    private static func fact(
        of fault: FleetStatus.Fault, _ status: FleetStatus, _ letters: LetterStore, _ flow: FlowStore, _ gathering: Moment.Span
    ) -> NoticeFact? {
        var count = 1
        var mark = fault.since.map { "\($0.milliseconds)" }
        var lastWork: Moment?
        var news: LetterBook.News?
        var order: Int64 = 0
        switch fault.kind {
        // Whoever cannot be told is not told that either.
        case .noticesUndelivered: return nil
        case .noWorkers: lastWork = flow.lastWork(of: nil)
        case .stageUnserved: lastWork = Stage(rawValue: fault.subject).flatMap(flow.lastWork)
        case .claimsBehind where status.workers.contains { $0.pulse.workerID == fault.subject && $0.isReady }: mark = nil
        case .chargesInDoubt, .deadLetters:
            let isInDoubt = fault.kind == .chargesInDoubt
            count = isInDoubt ? status.inDoubt : status.lettersToDo - status.inDoubt
            news = letters.look { $0.news(within: gathering, inDoubt: isInDoubt) }
            mark = news?.mark
            order = news?.order ?? 0
        case .lettersUnreadable:
            let (all, last) = letters.unreadable
            count = all
            mark = last.last.map { "\($0.offset)" }
            order = last.last.map { $0.offset + 1 } ?? 0
        case .overdue: count = status.overdue
        case .held where !fault.subject.isEmpty: count = status.refusing.first { $0.place == fault.subject }?.count ?? 1
        case .held, .unrouted:
            let queue = flow.names.queue(of: fault.kind == .held ? .held : .unrouted)
            count = status.queues.first { $0.name == queue }?.ready ?? 1
        case .topologyIncomplete, .brokerAway, .brokerBlocked, .workerSilent, .workerNotReady, .claimsBehind, .circuitOpen,
            .gatewayMisconfigured:
            break
        }
        if countedKinds.contains(fault.kind.rawValue) { order = powersOfTen(in: count) }
        return NoticeFact(
            .fault, fault.kind.rawValue, fault.subject, since: fault.since, count: count, what: fault.what, advice: fault.advice,
            mark: lastWork.map { "\($0.milliseconds)" } ?? mark, markedAt: lastWork,
            order: order, gatheredUntil: news?.gatheredUntil)
    }

    private static func powersOfTen(in count: Int) -> Int64 {
        var (rest, powers): (Int, Int64) = (count, 0)
        while rest >= 10 { (rest, powers) = (rest / 10, powers + 1) }
        return powers
    }

    /// Who ordered it and why is for those who may look: it is people's names, and their own words.
    private static func fact(_ pause: Pause) -> NoticeFact {
        NoticeFact(
            .pause, pause.target.kind, "\(pause.target)", since: pause.since, until: pause.until,
            what: "Paused: \(pause.target), until \(pause.until.rfc3339).", advice: "`salvage pauses` says by whom and why.",
            mark: "\(pause.since.milliseconds)")
    }
}

extension LetterBook {
    /// The newest letter that somebody must see to.
    struct News: Sendable, Equatable {
        /// Where it stands on the stream, counted from 1.
        let order: Int64
        /// Until when others are gathered with it.
        let gatheredUntil: Moment
        /// The span in which it was written, and where the last letter of that span stands: whoever reads the stream finds the same, also when
        /// letters have been seen to meanwhile.
        let mark: String
    }

    /// - Parameter inDoubt: of charges that nobody knows, or of all others.
    func news(within span: Moment.Span, inDoubt: Bool) -> News? {
        let newest = newestFirst.first { $0.isToDo && ($0.handling == .reconcile) == inDoubt && (inDoubt || !$0.waitsForCRM) }
        guard let newest else { return nil }
        let length = max(span.milliseconds, 1)
        let turn = newest.lastAt.milliseconds / length
        let last = cases.values.reduce(newest.offset) { $1.lastAt.milliseconds / length == turn ? max($0, $1.offset) : $0 }
        return News(order: newest.offset + 1, gatheredUntil: Moment(milliseconds: (turn + 1) * length), mark: "\(turn)/\(last)")
    }
}
