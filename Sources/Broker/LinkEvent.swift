/// What happens to a link, for logs and metrics.
public enum LinkEvent: Sendable {
    /// Which of the two connections that a link stands on; of a third, where it publishes aside, nothing is told.
    public enum Role: String, Sendable, CaseIterable {
        case consuming, publishing
    }

    case connected(Role, host: String)
    /// Could not connect to any host; tries again after the pause.
    case connectFailed(Role, BrokerError, retryInMilliseconds: Int64)
    /// An established connection is gone; reconnecting begins.
    case disconnected(Role, BrokerError)
    /// The broker is short of memory or disk and takes no publishes on this connection.
    case blocked(Role, reason: String)
    case unblocked(Role)
    /// The broker said nothing of publishes for so long; whether they arrived is unknown, and their channel is a new one.
    case publishesUnconfirmed(count: Int, milliseconds: Int64)
    /// The broker ended a subscription (its queue was deleted, or lost its leader); it is subscribed again.
    case subscriptionCancelled(queue: String)
    /// A queue cannot be subscribed to; it is tried again by itself, and the other subscriptions stand.
    case subscriptionFailed(queue: String, BrokerError)
    /// What had failed stands again.
    case subscriptionRestored(queue: String)
}
