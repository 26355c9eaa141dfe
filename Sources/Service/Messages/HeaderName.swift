import DeclineRecovery

/// The names of all headers that we write or read, and whose each is.
enum HeaderName {
    static let traceparent = TraceHeader.name
    static let tracestate = TraceHeader.state
    static func isOfTrace(_ name: String) -> Bool { name == traceparent || name == tracestate }
    /// When a message of the delay ladder is due, in milliseconds since 1970.
    static let due = "salvage-due"
    /// Whose work a suspect is, and how often it was handed out there.
    static let setAsideStage = "salvage-set-aside-stage"
    static let setAsideDeliveries = "salvage-set-aside-deliveries"
    /// Where a message was published that was sent on as it came.
    static let originExchange = "salvage-origin-exchange"
    static let originRoutingKey = "salvage-origin-routing-key"
    /// How often a message that was sent on as it came was handed out before that.
    static let deliveries = "salvage-deliveries"
    /// The merchant and gateway whose share of a stage's budget a message takes, and when it needs none any more.
    static let share = "salvage-share"
    static let freeFrom = "salvage-free-from"
    static func isOfShare(_ name: String) -> Bool { name == share || name == freeFrom }

    /// Whether a header belongs to one hop and not to the message: the broker's (`x-`) and our notes.
    static func isOfOneHop(_ name: String) -> Bool { name.hasPrefix("x-") || ofOneHop.contains(name) }

    /// Where a message is to be published that was refused there.
    static let heldExchange = "salvage-held-exchange"
    static let heldRoutingKey = "salvage-held-routing-key"
    static func isOfHeld(_ name: String) -> Bool { name == heldExchange || name == heldRoutingKey }
    /// The properties that a message should have and cannot.
    static let leftOut = "salvage-left-out"

    private static let ofOneHop: Set<String> = [
        due, setAsideStage, setAsideDeliveries, originExchange, originRoutingKey, deliveries, heldExchange, heldRoutingKey,
    ]
}
