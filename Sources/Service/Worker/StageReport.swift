import Broker
import DeclineRecovery
import Logging
import NIOCore
import Pipeline

/// Tells logs and metrics what became of a stage's messages.
final class StageReport: Sendable {
    private let stage: Stage
    private let metrics: ServiceMetrics
    private let clock: any WallClock
    private let logger: Logger
    private let limiter = LogLimiter()
    private let lateness: Metric.Series
    private let queueWait: Metric.Series
    private let work: Metric.Series
    private let confirm: Metric.Series

    init(_ stage: Stage, metrics: ServiceMetrics, clock: any WallClock, logger: Logger) {
        self.stage = stage
        self.metrics = metrics
        self.clock = clock
        lateness = metrics.delayLateness.series(stage.rawValue)
        queueWait = metrics.queueWait.series(stage.rawValue)
        work = metrics.workSeconds.series(stage.rawValue)
        confirm = metrics.confirmSeconds.series(stage.rawValue)
        var logger = logger
        logger[metadataKey: LogKey.stage] = "\(stage.rawValue)"
        self.logger = logger
    }

    func cameFromLadder(late span: Moment.Span) {
        lateness.observe(max(span.inSeconds, 0))
    }

    /// How long a message waited in its queue, where whoever published it says when. AMQP counts seconds, so one that came at once may seem to have
    /// waited for one; a clock that is ahead counts as no wait.
    func waited(since published: UInt64, until now: Moment) {
        queueWait.observe(max(Double(now.milliseconds / 1_000) - Double(published), 0))
    }

    /// How long a message was worked on, and how much of that waited for the broker's confirm.
    func took(_ work: TimeAmount, confirm: TimeAmount) {
        self.work.observe(Double(work.nanoseconds) / 1e9)
        self.confirm.observe(Double(confirm.nanoseconds) / 1e9)
    }

    func finished(_ entry: StageOutcome.JournalEntry, _ message: IncomingMessage) {
        let now = clock.now()
        metrics.record(entry, stage: stage, now: now)
        if entry.hasRefusedReply { refusedReply(entry, message, now) }
        if entry.hasPrivateAddress { privateAddress(entry, now) }
        let level = level(of: entry.fate)
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = [LogKey.trace: "\(TraceParent.traceID(message.traceparent ?? ""))"]
        if let merchant = entry.merchantID { metadata[LogKey.merchant] = "\(merchant)" }
        if let reference = entry.reference { metadata[LogKey.reference] = "\(reference)" }
        if let gateway = entry.gatewayID { metadata[LogKey.gateway] = "\(gateway)" }
        if entry.attempts > 0 { metadata[LogKey.attempts] = "\(entry.attempts)" }
        if let declinedAt = entry.declinedAt { metadata[LogKey.milliseconds] = "\((now - declinedAt).milliseconds)" }
        switch entry.fate {
        case .passed(let next) where message.drivenOut != nil:
            guard let drivenOut = message.drivenOut, let suppressed = limiter.admit("driven out of \(drivenOut.queue)", now: now) else {
                return
            }
            metadata[LogKey.queue] = "\(drivenOut.queue)"
            metadata[LogKey.fate] = "\(next.rawValue)"
            metadata[LogKey.reason] = "\(drivenOut.limit.rawValue)"
            metadata[LogKey.suppressed] = "\(suppressed)"
            metadata[LogKey.advice] = "Look for \(drivenOut.limit.source): limits of that kind do not belong on this queue."
            logger.warning("Sent back: a limit had driven it out of its queue", metadata: metadata)
        case .passed(to: .suspects):
            guard let suppressed = limiter.admit("set aside", now: now) else { return }
            metadata[LogKey.count] = "\(message.deliveries)"
            metadata[LogKey.suppressed] = "\(suppressed)"
            metadata[LogKey.advice] =
                "Look for what ended workers; messages that were in work with it are tried alone now, and most are innocent."
            logger.log(level: level, "Set aside to be tried alone: handed out too often without being finished", metadata: metadata)
        case .passed(let next) where stage == .unrouted:
            metadata[LogKey.fate] = "\(next.rawValue)"
            metadata[LogKey.advice] = "Run `salvage topology apply`: the queue is not bound."
            logger.log(level: level, "Brought to its stage's queue, which the exchange did not find", metadata: metadata)
        case .passed(let next):
            metadata[LogKey.fate] = "\(next.rawValue)"
            logger.log(level: level, "Passed on", metadata: metadata)
        case .told(let kind, let reason):
            metadata[LogKey.fate] = "\(kind.rawValue)"
            metadata[LogKey.reason] = "\(reason)"
            logger.log(level: level, "Result published", metadata: metadata)
        case .parked(let delay, let reason):
            metadata[LogKey.milliseconds] = "\(delay.milliseconds)"
            metadata[LogKey.reason] = "\(reason)"
            logger.log(level: level, "Parked", metadata: metadata)
        case .deadLettered(let reason):
            guard let suppressed = limiter.admit("letter \(reason.rawValue)", now: now) else { return }
            metadata[LogKey.suppressed] = "\(suppressed)"
            metadata[LogKey.reason] = "\(reason.rawValue)"
            metadata[LogKey.advice] = "\(reason.advice)"
            logger.log(level: level, "Dead letter written", metadata: metadata)
        case .rejected(let reason):
            // Whoever sends one faulty event sends thousands; each stands in the letters.
            guard let suppressed = limiter.admit("rejected \(reason) \(metrics.label(entry.merchantID))", now: now) else { return }
            metadata[LogKey.suppressed] = "\(suppressed)"
            metadata[LogKey.reason] = "\(reason)"
            logger.log(level: level, "Event rejected, dead letter written", metadata: metadata)
        case .ignored(let reason):
            metadata[LogKey.reason] = "\(reason)"
            logger.log(level: level, "Nothing to do", metadata: metadata)
        }
    }

    private func privateAddress(_ entry: StageOutcome.JournalEntry, _ now: Moment) {
        guard let suppressed = limiter.admit("private address", now: now) else { return }
        logger.warning(
            "A customer's address is one of a private network",
            metadata: [
                LogKey.merchant: "\(metrics.label(entry.merchantID))", LogKey.suppressed: "\(suppressed)",
                LogKey.advice:
                    "Have the CRM send the address that the customer came from, not its proxy's: FlexFactor judges the charge by it.",
            ])
    }

    /// The queue's name is the sender's word: it is shown without what it must not hold.
    private func refusedReply(_ entry: StageOutcome.JournalEntry, _ message: IncomingMessage, _ now: Moment) {
        guard let suppressed = limiter.admit("reply refused", now: now) else { return }
        logger.warning(
            "No reply is sent: none may go to the queue that was named",
            metadata: [
                LogKey.queue: "\(CardDataGuard.redacted(String((message.replyTo ?? "").prefix(64))))",
                LogKey.merchant: "\(metrics.label(entry.merchantID))",
                LogKey.suppressed: "\(suppressed)",
                LogKey.advice:
                    "Wait on an exclusive queue that the broker named, on amq.rabbitmq.reply-to, or on one under SALVAGE_REPLY_PREFIX. The result is published as ever.",
            ])
    }

    private func level(of fate: StageOutcome.Kind) -> Logger.Level {
        switch fate {
        case .passed(to: .suspects): .warning
        case .passed where stage == .unrouted: .warning
        case .passed: .debug
        case .told, .parked, .ignored: .info
        case .deadLettered, .rejected: .warning
        }
    }

    /// A message for a slow gateway makes room for others.
    func putOff() { metrics.putOff.add(1, stage.rawValue) }

    /// Nobody takes a reply, and it is not kept: who asked for it has the result elsewhere, or is gone.
    func letGo(_ error: PublishError) {
        metrics.repliesLetGo.add(1, stage.rawValue, FinishError.publish(error).word)
        guard let suppressed = limiter.admit("let go", now: clock.now()) else { return }
        logger.warning(
            "A reply did not arrive and is let go; the result stands in the results exchange",
            metadata: [
                LogKey.error: "\(error)",
                LogKey.advice:
                    "Look at what the publisher names in reply_to: where it is no queue, the broker may end the connection of replies.",
                LogKey.suppressed: "\(suppressed)",
            ])
    }

    /// A message is refused where it was to go, and waits by itself.
    func putAway(_ place: Holdings.Place, _ error: PublishError, until moment: Moment) {
        metrics.heldMessages.add(1, stage.rawValue, FinishError.publish(error).word)
        guard let suppressed = limiter.admit("put away \(place.exchange)", now: clock.now()) else { return }
        logger.warning(
            "A message is refused where it was to go; it is put away and tried again by itself",
            metadata: [
                LogKey.error: "\(error)", LogKey.until: "\(moment.rfc3339)", LogKey.suppressed: "\(suppressed)",
                LogKey.advice: "Look for a queue that is full, or missing: \(place). \(error.advice)",
            ])
    }

    /// A message that had been put away is refused again.
    func refusedAgain(_ place: Holdings.Place, _ error: PublishError, until moment: Moment) {
        metrics.finishFailures.add(1, stage.rawValue, FinishError.publish(error).word)
        guard let suppressed = limiter.admit("refused again \(place.exchange)", now: clock.now()) else { return }
        logger.warning(
            "A message that was put away is refused again; it is tried again by itself",
            metadata: [
                LogKey.error: "\(error)", LogKey.until: "\(moment.rfc3339)", LogKey.suppressed: "\(suppressed)",
                LogKey.advice:
                    "Look for a queue that is full, or missing: \(place). Once it takes messages, what waits comes by itself, the first from then on: a restart brings none sooner.",
            ])
    }

    /// A message that was put away has arrived.
    func gaveOut(_ place: Holdings.Place) {
        metrics.heldMessagesGivenOut.add(1)
        guard let suppressed = limiter.admit("given out \(place.exchange)", now: clock.now()) else { return }
        logger.info("A message that was refused has arrived", metadata: [LogKey.suppressed: "\(suppressed)"])
    }

    func failed(_ error: FinishError) {
        let why = error.word
        metrics.finishFailures.add(1, stage.rawValue, why)
        guard let suppressed = limiter.admit(why, now: clock.now()) else { return }
        logger.warning(
            "A delivery could not be finished at once; what was refused is tried again by itself, or the broker redelivers it",
            metadata: [LogKey.error: "\(error)", LogKey.advice: "\(error.advice)", LogKey.suppressed: "\(suppressed)"])
    }
}

extension FinishError {
    /// The failure's name in metrics.
    var word: String {
        switch self {
        case .deliveryLost: "delivery_lost"
        case .publish(.returned): "returned"
        case .publish(.nacked): "nacked"
        case .publish(.unsendable): "unsendable"
        // A worker waits alarms out.
        case .publish(.connectionLost), .publish(.blocked): "connection_lost"
        case .publish(.closed): "closed"
        }
    }

    static let words = publishing + ["delivery_lost"]
    /// Those of a publish.
    static let publishing = refusals + ["connection_lost", "closed"]
    /// Those of one receiver.
    static let refusals = ["returned", "nacked", "unsendable"]
}
