/// The names of every exchange and queue, and the routing keys between stages, in one place (messages.md, "Exchanges and queues").
///
/// An object that never changes: everything that publishes has it.
package final class TopologyNames: Sendable, Equatable {
    /// Stands before our own names, so that two fleets can share a vhost; `recovery` unless configured. Any other stands before the CRM's names
    /// as well: two fleets that took declines from one exchange would each take every decline.
    package let prefix: String

    package static let defaultPrefix = "recovery"

    package init(prefix: String = TopologyNames.defaultPrefix) {
        self.prefix = prefix
        let shared = prefix == Self.defaultPrefix ? "" : "\(prefix)."
        declines = shared + "declines"
        crmResults = shared + "crm.results"
        work = "\(prefix).work"
        news = "\(prefix).news"
        intake = "\(prefix).intake"
        cascade = "\(prefix).cascade"
        retry = "\(prefix).retry"
        outcomes = "\(prefix).outcomes"
        suspects = "\(prefix).suspects"
        held = "\(prefix).held"
        pulse = "\(prefix).pulse"
        cancels = "\(prefix).cancels"
        claims = "\(prefix).claims"
        claimSnapshots = "\(prefix).claims.snapshots"
        pauses = "\(prefix).pauses"
        journal = "\(prefix).journal"
        rollups = "\(prefix).journal.rollups"
        results = "\(prefix).results"
        unrouted = "\(prefix).unrouted"
        dead = "\(prefix).dead"
        deadLock = "\(prefix).dead.lock"
        delays = DelayLadder.rungs.map { rung in "\(prefix).delay.\(rung < 10 ? "0" : "")\(rung)" }
    }

    /// The streams without which a fleet goes on, with their exchanges.
    package var optional: [String] { [pauses, claimSnapshots, rollups] }

    // The prefix tells all of them.
    package static func == (one: TopologyNames, other: TopologyNames) -> Bool { one.prefix == other.prefix }

    /// The CRM publishes its declines here: `decline.initial`, `decline.rerun`, `decline.recycle`, `command.cancel`,
    /// `command.refund`.
    package let declines: String
    /// The CRM's inbox.
    package let crmResults: String
    /// Exchange between the stages, and exit of the delay ladder: a key's last word names the stage.
    package let work: String
    /// Exchange of what FlexFactor's webhooks tell, for receivers at the edge: it leads to `outcomes` and nowhere else, so that whoever takes such a
    /// receiver's login can begin no recovery.
    package let news: String
    package let intake: String
    package let cascade: String
    package let retry: String
    package let outcomes: String
    /// What was in work too often when its workers ended; tried alone.
    package let suspects: String
    /// Messages that whoever they are for refuses, each tried again by itself.
    package let held: String
    package let results: String
    /// Exchange and queue for what nobody has bound a queue for.
    package let unrouted: String
    /// Exchange and stream of the dead letters.
    package let dead: String
    /// The queue whose holder may act on dead letters; it exists only while somebody does.
    package let deadLock: String
    /// Exchange and stream of the cancel commands that are known; every pod reads it.
    package let cancels: String
    /// Exchange and stream of the claims: what each worker is about to do that must not happen twice; every pod reads it.
    package let claims: String
    /// Exchange and stream of what the claims come to, written down from time to time. A fleet does without: whoever begins reads all claims
    /// then.
    package let claimSnapshots: String
    /// Exchange and stream of what operators paused and resumed; every pod reads it. A fleet goes on without: then nothing can be paused.
    package let pauses: String
    /// Exchange and stream of the journal.
    package let journal: String
    /// Exchange and stream of what the journal comes to, written down from time to time. A fleet does without: whoever begins reads the journal
    /// then, and of days before it there are no sums.
    package let rollups: String
    /// Exchange and stream on which each worker says every other second how it is; kept for an hour.
    package let pulse: String
    /// Exchange and queue of each rung of the delay ladder, the shortest first.
    package let delays: [String]

    /// The queue that a stage consumes.
    package func queue(of stage: Stage) -> String {
        switch stage {
        case .intake: intake
        case .cascade: cascade
        case .retry: retry
        case .outcomes: outcomes
        case .suspects: suspects
        case .unrouted: unrouted
        case .held: held
        }
    }

    /// The stage that consumes a queue; `nil` for what is none of the stages'.
    package func stage(consuming queue: String) -> Stage? { Stage.allCases.first { self.queue(of: $0) == queue } }

    /// The stage that a message without a queue is on its way to, from another stage or out of the delay ladder: the key's last word,
    /// behind nothing but the ladder's bits. What comes by the exchange of the unrouted itself nobody of us has sent there.
    package func stage(of routingKey: String, deliveredAs exchange: String) -> Stage? {
        let words = routingKey.split(separator: ".", omittingEmptySubsequences: false)
        if exchange == news { return routingKey == Stage.outcomes.rawValue ? .outcomes : nil }
        guard ![declines, results, unrouted].contains(exchange), words.dropLast().allSatisfy({ $0 == "0" || $0 == "1" }),
            let stage = words.last.flatMap({ Stage(rawValue: String($0)) }), stage != .unrouted
        else { return nil }
        return stage
    }

    /// The exchange that did not find a queue for a message. The broker names it on the delivery; where it names only the alternate
    /// exchange, because somebody published there, the form of the routing key tells.
    package func exchange(of routingKey: String, deliveredAs exchange: String) -> String {
        if exchange != unrouted, !exchange.isEmpty { return exchange }
        let words = routingKey.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2 else { return exchange }
        if words[0] == "decline" || words[0] == "command" { return declines }
        let isOrderType = words[0] == "unknown" || OrderType(rawValue: words[0]) != nil
        return isOrderType && ResultKind(rawValue: words[1]) != nil ? results : exchange
    }

    /// Whether a queue or exchange is one of ours, where no foreign reply may go.
    package func isOurs(_ name: String) -> Bool {
        name == prefix || name.hasPrefix(prefix + ".") || name == declines || name == crmResults
    }
}

/// The places a message passes through; each has a queue and a budget of its own.
package enum Stage: String, Sendable, CaseIterable {
    case intake, cascade, retry, outcomes
    /// Tries alone what may be what ends workers.
    case suspects
    /// Writes letters of what nobody had bound a queue for.
    case unrouted
    /// Publishes again what was refused where it was to go, so that nobody else waits for it.
    case held

    /// The stages that work on a recovery, and whose messages may become suspects.
    package static let working: [Stage] = [.intake, .cascade, .retry, .outcomes]
}
