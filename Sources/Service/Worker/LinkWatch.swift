import Broker
import DeclineRecovery
import Logging
import Synchronization

/// Tells health, metrics and log what the broker link goes through.
final class LinkWatch: Sendable {
    private let health: Health
    private let metrics: ServiceMetrics?
    private let logger: Logger
    /// Why which queues cannot be subscribed to.
    private let absent = Mutex<[String: String]>([:])

    /// - Parameter metrics: a worker's.
    init(health: Health, metrics: ServiceMetrics?, logger: Logger) {
        self.health = health
        self.metrics = metrics
        self.logger = logger
    }

    func heard(_ event: LinkEvent) {
        metrics?.record(event)
        switch event {
        case .connected(let role, let host):
            health.isConnected(role)
            logger.info("Connected to the broker", metadata: [LogKey.connection: "\(role.rawValue)", LogKey.host: "\(host)"])
        case .connectFailed(let role, let error, let pause):
            health.isUnconnected(role, "\(error)")
            logger.warning(
                "No connection to the broker",
                metadata: [
                    LogKey.connection: "\(role.rawValue)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)",
                    LogKey.milliseconds: "\(pause)",
                ])
        case .disconnected(let role, let error):
            health.isUnconnected(role, "\(error)")
            // The next connection hears of an alarm anew.
            if role == .publishing { health.isWell(.publishing) }
            logger.warning(
                "The connection to the broker is lost", metadata: [LogKey.connection: "\(role.rawValue)", LogKey.error: "\(error)"])
        case .blocked(let role, let reason):
            let error = BrokerError.blocked(reason: reason)
            health.isUnwell(
                .publishing, "\(error): nothing can be finished until that is over, see docs/runbooks/SalvageBrokerBlocked.md", for: .zero)
            logger.error("The broker takes no publishes", metadata: [LogKey.connection: "\(role.rawValue)", LogKey.reason: "\(reason)"])
        case .unblocked(let role):
            health.isWell(.publishing)
            logger.info("The broker takes publishes again", metadata: [LogKey.connection: "\(role.rawValue)"])
        case .publishesUnconfirmed(let count, let span):
            logger.warning(
                "The broker said nothing of publishes; their channel is opened anew, and they are sent again",
                metadata: [LogKey.count: "\(count)", LogKey.milliseconds: "\(span)"])
        case .subscriptionCancelled(let queue):
            logger.warning("The broker ended a subscription; subscribing again", metadata: [LogKey.queue: "\(queue)"])
        case .subscriptionRestored(let queue):
            note(queue, missingFor: nil)
            logger.info("Consuming again", metadata: [LogKey.queue: "\(queue)"])
        case .subscriptionFailed(let queue, let error):
            note(queue, missingFor: error)
            logger.error(
                "Cannot subscribe", metadata: [LogKey.queue: "\(queue)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)"])
        }
    }

    /// Whether a queue cannot be subscribed to at the moment.
    func isAbsent(_ queue: String) -> Bool { absent.withLock { $0[queue] != nil } }

    /// A queue has been subscribed to: nobody else says so of one that came back while its stage rested.
    func stands(_ queue: String) { if isAbsent(queue) { note(queue, missingFor: nil) } }

    /// One queue that is back is not all of them.
    private func note(_ queue: String, missingFor error: BrokerError?) {
        absent.withLock { reasons in
            reasons[queue] = error.map { "\(queue): \($0)" }
            let missing = reasons.values.sorted().joined(separator: "; ")
            // While nobody else can change them: what is said last stands.
            if missing.isEmpty { health.isWell(.topology) } else { health.isUnwell(.topology, missing) }
        }
    }
}
