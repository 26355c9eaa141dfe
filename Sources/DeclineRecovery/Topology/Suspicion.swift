/// Decides what is done with a delivery, by how often the broker handed its message out before without its being finished.
///
/// A message that ends its workers takes its innocent neighbours along: each of their deliveries counts too. So nobody is condemned by
/// that count. Whoever reaches the limit is set aside and tried alone; only who reaches it there as well ends workers by itself
/// (facts/amqp.md §4).
package struct Suspicion: Sendable, Equatable {
    /// Unfinished deliveries after which a message is not tried any more where it is.
    package let limit: Int

    package init(limit: Int) {
        self.limit = limit
    }

    package enum Course: Sendable, Equatable {
        case work
        /// Goes to the suspects.
        case setAside
        /// Becomes a dead letter.
        case giveUp
        /// Becomes a dead letter of which nothing is parsed: reading it for the letter may be what ends the worker.
        case giveUpUnread
    }

    package func course(at stage: Stage, deliveries: Int) -> Course {
        if deliveries < limit { return .work }
        return switch stage {
        case .intake, .cascade, .retry, .outcomes: .setAside
        case .suspects: deliveries < limit + 2 ? .giveUp : .giveUpUnread
        // It becomes a letter anyway.
        case .unrouted: .giveUpUnread
        // Nothing of it is read.
        case .held: .work
        }
    }
}

/// What the worker that set a message aside wrote beside it.
package struct SetAside: Sendable, Equatable {
    /// The stage that the message came from, and whose work on it is tried again.
    package let stage: Stage
    /// How often it was handed out there without being finished.
    package let deliveries: Int

    package init(stage: Stage, deliveries: Int) {
        self.stage = stage
        self.deliveries = deliveries
    }
}
