package import DeclineRecovery

/// What was told, and what is to be told next. A value with the time given in; `Service` sends what is due.
///
/// Nothing waits in a queue: what is due follows from what is wrong now, so a receiver that is away for days leaves nothing behind but what is
/// still so. A fault is told once it has lasted, and its end once it has been gone for as long; a receiver hears of no end whose beginning it did
/// not hear. A process that begins tells what is wrong then, by the ids by which it was told before.
package struct NoticeBook: Sendable {
    package struct Rules: Sendable {
        /// The names of the fleet's queues begin with it.
        package let fleet: String
        /// For so long a fault must last, or be gone, to be told.
        package let patience: Moment.Span
        /// For so long letters are gathered.
        package var gathering: Moment.Span { .milliseconds(patience.milliseconds * 5) }
        /// Letters come a moment after the time that they bear.
        var slack: Moment.Span { min(patience, .seconds(10)) }

        package init(fleet: String, patience: Moment.Span) {
            self.fleet = fleet
            self.patience = patience
        }
    }

    private struct Entry {
        var fact: NoticeFact
        /// What tells it from an earlier one of the same, as it was when it began.
        let mark: String
        /// The how many-th of this mark that this process sees.
        let number: Int
        /// It was found at the start, by a mark that several may share: an earlier process may have told the end of another by it.
        let isFound: Bool
        let firstSeen: Moment
        /// While nobody can look, nothing lasts.
        var lastSeen: Moment
        /// Since when it has grown beyond what was told.
        var grownSince: Moment
        var missingSince: Moment?
        /// Up to where it was told, and by what name; `nil` before it was.
        var told: (order: Int64, name: String)?

        var name: String {
            let mark = fact.order > 0 && !fact.growsByCount ? fact.mark ?? mark : mark
            let size = fact.growsByCount && fact.order > 0 ? "/tens \(fact.order)" : ""
            return "\(fact.key)/\(mark)" + size + (number > 1 ? "/\(number)" : "")
        }
    }

    /// What was told and is over, of which that was not told yet.
    private struct Ending {
        let fact: NoticeFact
        let name: String
        let at: Moment
        /// Whether it ended before its time.
        let isEarly: Bool
    }

    private struct Retry {
        var failures = 0
        var notBefore: Moment
    }

    package let rules: Rules
    private var entries: [String: Entry] = [:]
    private var endings: [Ending] = []
    /// How often what has this name was told and ended: when it comes again it is another.
    private var repeats: [String: Int] = [:]
    /// How often in a row what has this key was told and ended, and when it ended or came again last.
    private var returns: [String: (times: Int, last: Moment)] = [:]
    private var retries: [String: Retry] = [:]
    /// Since when it is known how things stand.
    private var begun: (at: Moment, uptime: Moment)?
    private var isBegunTold = false

    private static let mostEntries = 2_000
    private static let mostEndings = 2_000
    /// What comes again within that time must be gone for twice as long each time, so often, to be over.
    private static let (returnsWithin, mostDoublings): (Moment.Span, Int) = (.minutes(60), 4)
    /// For so long an end is worth telling.
    private static let endingsLast: Moment.Span = .days(1)
    private static let firstPause: Moment.Span = .seconds(2)
    private static let longestPause: Moment.Span = .minutes(5)
    /// A receiver's wish beyond that is none.
    private static let longestWish: Moment.Span = .minutes(60)

    package init(_ rules: Rules) {
        self.rules = rules
    }

    // MARK: Looking

    /// Takes in how things stand.
    ///
    /// - Parameters:
    ///   - isWhole: whether what is missing is over; else that is not known, but of the broker, which is there unless it is told to be away.
    ///   - uptime: by a clock that nobody sets.
    package mutating func look(_ facts: [NoticeFact], isWhole: Bool, now: Moment, uptime: Moment) {
        if isWhole, begun == nil { begun = (now, uptime) }
        var seen: Set<String> = []
        for fact in facts.prefix(Self.mostEntries) {
            let key = fact.key
            seen.insert(key)
            guard var entry = entries[key] else {
                let mark = mark(of: fact, now, uptime)
                entries[key] = Entry(
                    fact: fact, mark: mark, number: repeats["\(key)/\(mark)"] ?? 1,
                    isFound: isFound(uptime) && (fact.mark == nil || fact.markedAt != nil), firstSeen: uptime, lastSeen: uptime,
                    grownSince: uptime)
                continue
            }
            if let told = entry.told, entry.fact.order <= told.order, fact.order > told.order { entry.grownSince = uptime }
            if entry.missingSince != nil { returns[key]?.last = uptime }
            entry.fact = fact
            entry.lastSeen = uptime
            entry.missingSince = nil
            entries[key] = entry
        }
        for (key, entry) in entries where !seen.contains(key) && (isWhole || entry.fact.isOfBroker) { miss(key, now, uptime) }
        endings.removeAll { uptime - $0.at > Self.endingsLast }
        if endings.count > Self.mostEndings { endings.removeFirst(endings.count - Self.mostEndings) }
    }

    /// What tells it from others of the same.
    ///
    /// What has no mark of its own is told from others by the hour in which it began. Where an earlier process may have told another one by the
    /// same, and this process saw it begin, it is another: by that name nobody would hear of it. What it found when it began may have been told.
    private func mark(of fact: NoticeFact, _ now: Moment, _ uptime: Moment) -> String {
        let hour = now.milliseconds / 3_600_000
        let (mark, markedAt) = fact.mark.map { ($0, fact.markedAt) } ?? ("hour \(hour)", Moment(milliseconds: hour * 3_600_000))
        guard let begun, !isFound(uptime), let markedAt, markedAt < begun.at else { return mark }
        return "\(mark)/after \(begun.at.milliseconds)"
    }

    private func isFound(_ uptime: Moment) -> Bool { begun.map { uptime - $0.uptime <= rules.slack } ?? true }

    private mutating func miss(_ key: String, _ now: Moment, _ uptime: Moment) {
        guard var entry = entries[key] else { return }
        let since = entry.missingSince ?? uptime
        entry.missingSince = since
        entries[key] = entry
        let returned = returned(key, uptime)
        // What comes and goes all night is not to wake anybody each time.
        let patience = patience(with: entry.fact).milliseconds << Int64(min(returned, Self.mostDoublings))
        guard uptime - since >= .milliseconds(patience) else { return }
        entries[key] = nil
        guard let told = entry.told else { return }
        if returns.count >= Self.mostEntries { returns = [:] }
        returns[key] = (returned + 1, uptime)
        let name = told.name + (entry.isFound ? begun.map { "/found \($0.at.milliseconds)" } ?? "" : "")
        endings.append(
            Ending(fact: entry.fact, name: name, at: uptime, isEarly: entry.fact.until.map { $0 > now } ?? false))
        if repeats.count >= Self.mostEntries { repeats = [:] }
        repeats["\(key)/\(entry.mark)"] = entry.number + 1
    }

    /// How often in a row it came again within an hour.
    private func returned(_ key: String, _ uptime: Moment) -> Int {
        returns[key].map { uptime - $0.last > Self.returnsWithin ? 0 : $0.times } ?? 0
    }

    private func patience(with fact: NoticeFact) -> Moment.Span { fact.topic == .pause ? .seconds(0) : rules.patience }

    // MARK: Telling

    /// What is to be sent now: of a kind one notice, however many it is about.
    package func due(now: Moment, uptime: Moment) -> [Notice] {
        notices(now: now, uptime: uptime).filter { notice in retries[Self.group(notice)].map { $0.notBefore <= uptime } ?? true }
    }

    /// How many notices wait for a receiver, those included of which the next try is later.
    package func waiting(now: Moment, uptime: Moment) -> Int { notices(now: now, uptime: uptime).count }

    private static func group(_ notice: Notice) -> String { "\(notice.event.rawValue)/\(notice.kind)" }

    private func notices(now: Moment, uptime: Moment) -> [Notice] {
        var groups: [Notice.Event: [String: [(fact: NoticeFact, name: String, isEarly: Bool)]]] = [:]
        for entry in entries.values {
            guard let event = event(of: entry, now, uptime) else { continue }
            groups[event, default: [:]][entry.fact.kind, default: []].append((entry.fact, entry.name, false))
        }
        for ending in endings {
            let event: Notice.Event = ending.fact.topic == .pause ? .pauseOver : .faultOver
            groups[event, default: [:]][ending.fact.kind, default: []].append((ending.fact, ending.name, ending.isEarly))
        }
        return begins(uptime)
            + Notice.Event.allCases.flatMap { event in
                (groups[event] ?? [:]).sorted { $0.key < $1.key }.map { _, told in notice(event, told, now) }
            }
    }

    /// An end that came while no console ran is told by nobody. So one that begins says all that is wrong, once what it found has lasted.
    private func begins(_ uptime: Moment) -> [Notice] {
        guard let begun, !isBegunTold, uptime - begun.uptime >= rules.patience else { return [] }
        let facts = entries.values.filter { $0.missingSince == nil && $0.lastSeen - $0.firstSeen >= rules.patience }.map(\.fact)
        return [Notice.begun(of: rules.fleet, at: begun.at, facts.sorted { $0.key < $1.key })]
    }

    private func event(of entry: Entry, _ now: Moment, _ uptime: Moment) -> Notice.Event? {
        guard entry.missingSince == nil, entry.lastSeen - entry.firstSeen >= patience(with: entry.fact) else { return nil }
        if let told = entry.told, entry.fact.order <= told.order { return nil }
        // What has risen for a moment has not lasted.
        if entry.told != nil, entry.fact.gatheredUntil == nil, uptime - entry.grownSince < rules.patience { return nil }
        if let until = entry.fact.gatheredUntil, now < until + rules.slack, uptime - entry.grownSince < rules.gathering + rules.slack {
            return nil
        }
        if entry.fact.topic == .pause { return .pauseBegun }
        return entry.told == nil ? .faultBegun : .faultGrown
    }

    private func notice(
        _ event: Notice.Event, _ told: [(fact: NoticeFact, name: String, isEarly: Bool)], _ now: Moment
    ) -> Notice {
        let told = told.sorted { one, other in
            (one.fact.since?.milliseconds ?? .max, one.name) < (other.fact.since?.milliseconds ?? .max, other.name)
        }
        let isOver = event == .faultOver || event == .pauseOver
        let first = told.first
        let what =
            told.count == 1
            ? first.map { Self.sentence($0.fact, isOver: isOver, isEarly: $0.isEarly) } ?? ""
            : "\(isOver ? "Over: " : "")\(told.count) of one kind: \(first?.fact.what ?? "")"
        // An end is no news of its own name, and what has grown is told by the name by which a process would tell it that begins now. All that it
        // tells is in the name: with one more it is another notice, for whoever drops repeats would never hear of that one.
        return Notice(
            event, named: (isOver ? "over/" : "") + told.map(\.name).sorted().joined(separator: "+"), of: rules.fleet, at: now,
            told.map(\.fact), what: what,
            advice: isOver ? "Nothing is to be done." : first?.fact.advice ?? "",
            members: told.map { ($0.fact.key, $0.fact.order, $0.name) })
    }

    private static func sentence(_ fact: NoticeFact, isOver: Bool, isEarly: Bool) -> String {
        guard isOver else { return fact.what }
        guard fact.topic == .pause else { return fact.over ?? "Over: \(fact.what)" }
        return isEarly ? "The pause of \(fact.subject) was lifted, or ordered anew." : "The pause of \(fact.subject) is over."
    }

    /// The receiver has it.
    package mutating func delivered(_ notice: Notice) {
        retries[Self.group(notice)] = nil
        // It is there again: what else waits need not wait on.
        for group in retries.keys { retries[group]?.notBefore = Moment(milliseconds: 0) }
        switch notice.event {
        case .test: break
        case .consoleBegun: isBegunTold = true
        case .faultOver, .pauseOver:
            let names = Set(notice.members.map(\.name))
            endings.removeAll { names.contains($0.name) }
        case .faultBegun, .faultGrown, .pauseBegun:
            for member in notice.members { entries[member.key]?.told = (member.order, member.name) }
        }
    }

    /// The receiver does not have it, or nobody knows.
    ///
    /// - Parameters:
    ///   - wish: after which the receiver wants to be asked again.
    ///   - jitter: 0 to 1, so that not all come at once.
    package mutating func failed(_ notice: Notice, uptime: Moment, wish: Moment.Span?, jitter: Double) {
        let failures = (retries[Self.group(notice)]?.failures ?? 0) + 1
        let doubled = Self.firstPause.milliseconds << Int64(min(failures - 1, 10))
        let pause = min(doubled, Self.longestPause.milliseconds)
        let spread = Int64(Double(pause) * (0.5 + 0.5 * min(max(jitter, 0), 1)))
        let wished = min(wish ?? .seconds(0), Self.longestWish)
        retries[Self.group(notice)] = Retry(failures: failures, notBefore: uptime + max(.milliseconds(spread), wished))
    }
}
