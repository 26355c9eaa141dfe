import Broker
import DeclineRecovery
import Pipeline

/// What the headers of a delivery say of its way to us, as far as it may be believed.
///
/// Whoever may publish to an exchange may write any header. So ours count where only we can have written them, and the broker's where it
/// writes over what it finds; elsewhere they are what a stranger would have us believe.
struct DeliveryNotes {
    /// How often the broker handed the message out before.
    private let handedOut: Int
    /// How often it was handed out before it was sent on as it came, and its worker ended each time.
    private let noted: Int
    /// When it was to come out of the delay ladder.
    let due: Moment?
    let setAside: SetAside?
    let origin: Provenance
    let drivenOut: DrivenOut?
    /// Whose share of its stage's budget it takes, and from when on none; what does not say so shares one.
    let share: String
    let freeFrom: Moment?

    /// - Parameter stage: whose queue it came from.
    init(_ delivery: Delivery, at stage: Stage, _ names: TopologyNames) {
        let headers = delivery.properties.headers
        // Where it was before a limit drove it here; that is where a stranger may have published it.
        let death = BrokerDeath(delivery, at: stage, names)
        let published = death?.published ?? Provenance(exchange: delivery.exchange, routingKey: delivery.routingKey, isNoted: false)
        let areOurs = Self.isFromUs(exchange: published.exchange, death.flatMap { names.stage(consuming: $0.queue) } ?? stage, names)
        // More than this nothing can have been handed out, and it may be added up.
        handedOut = Self.count(delivery.deliveryCount)
        noted = if areOurs, case .integer(let count)? = headers[HeaderName.deliveries] { Self.count(count) } else { 0 }
        share = if areOurs, case .string(let share)? = headers[HeaderName.share] { share } else { "" }
        freeFrom = if areOurs, case .integer(let moment)? = headers[HeaderName.freeFrom] { Moment(milliseconds: moment) } else { nil }
        due = if areOurs, case .integer(let due)? = headers[HeaderName.due] { Moment(milliseconds: due) } else { nil }
        setAside = areOurs && (stage == .suspects || death?.queue == names.suspects) ? SetAside(headers) : nil
        origin = (areOurs ? Provenance(headers) : nil) ?? published
        drivenOut = death.map { DrivenOut(queue: $0.queue, limit: $0.limit, isRepeat: published.exchange.isEmpty) }
    }

    fileprivate static func count(_ count: Int64?) -> Int { Int(min(max(count ?? 0, 0), 1_000_000_000)) }

    /// How often the message was handed out and its worker may have ended of it.
    ///
    /// Whoever lost a connection, or gave a call up, and still runs knows that it did not. But a message may be what breaks the connections;
    /// so a third counts all the same.
    ///
    /// - Parameter survived: how often this process was handed it before.
    func deliveries(survived: Int) -> Int { noted + max(handedOut - survived, handedOut / 3) }

    /// The CRM publishes to one exchange alone. It leads to intake's queue, and, where that is missing, to the unrouted; what we send there
    /// goes by the default exchange, and to the other queues only we publish. By the exchange of the unrouted itself comes what a queue drove out
    /// and the broker's own note does not say from where, and by that of the webhooks' receivers what strangers may have written.
    private static func isFromUs(exchange: String, _ stage: Stage, _ names: TopologyNames) -> Bool {
        switch stage {
        case .intake: exchange.isEmpty
        case .unrouted: ![names.declines, names.unrouted, names.news].contains(exchange)
        default: exchange != names.declines && exchange != names.unrouted
        }
    }
}

/// What the broker wrote on a message that a queue's limit drove out, newest first (`x-death`).
///
/// Believed only on the way that the topology gives to such messages: nobody but us and the broker publishes there.
private struct BrokerDeath {
    let queue: String
    let limit: DrivenOut.Limit
    let published: Provenance

    init?(_ delivery: Delivery, at stage: Stage, _ names: TopologyNames) {
        guard case .array(let deaths)? = delivery.properties.headers["x-death"], case .table(let last)? = deaths.first,
            case .string(let queue)? = last["queue"], case .string(let word)? = last["reason"], let limit = DrivenOut.Limit(rawValue: word)
        else { return nil }
        switch stage {
        case .unrouted where delivery.exchange == names.unrouted && queue != names.unrouted: break
        case .suspects where queue == names.unrouted: break
        default: return nil
        }
        var exchange = ""
        if case .string(let name)? = last["exchange"] { exchange = name }
        var routingKey = delivery.routingKey
        if case .array(let keys)? = last["routing-keys"], case .string(let key)? = keys.first { routingKey = key }
        self.queue = queue
        self.limit = limit
        published = Provenance(exchange: exchange, routingKey: routingKey, isNoted: false)
    }
}

/// Where a message was published. One that we sent on as it came carries a note of it along.
struct Provenance: Equatable {
    let exchange: String
    let routingKey: String
    let isNoted: Bool

    init(exchange: String, routingKey: String, isNoted: Bool) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.isNoted = isNoted
    }

    fileprivate init?(_ headers: FieldTable) {
        guard case .string(let exchange)? = headers[HeaderName.originExchange],
            case .string(let routingKey)? = headers[HeaderName.originRoutingKey]
        else { return nil }
        self.init(exchange: exchange, routingKey: routingKey, isNoted: true)
    }
}

extension SetAside {
    fileprivate init?(_ headers: FieldTable) {
        guard case .string(let word)? = headers[HeaderName.setAsideStage], let stage = Stage(rawValue: word),
            case .integer(let deliveries)? = headers[HeaderName.setAsideDeliveries]
        else { return nil }
        self.init(stage: stage, deliveries: DeliveryNotes.count(deliveries))
    }
}

extension FieldTable {
    mutating func note(due: Moment) { note(HeaderName.due, .integer(due.milliseconds)) }

    mutating func note(_ origin: Provenance) {
        note(HeaderName.originExchange, .string(origin.exchange))
        note(HeaderName.originRoutingKey, .string(origin.routingKey))
    }

    mutating func note(deliveries: Int) { if deliveries > 0 { note(HeaderName.deliveries, .integer(Int64(deliveries))) } }

    mutating func note(_ share: StageMessage.Share) {
        note(HeaderName.share, .string(share.owner))
        if let freeFrom = share.freeFrom { note(HeaderName.freeFrom, .integer(freeFrom.milliseconds)) }
    }

    mutating func note(_ setAside: SetAside) {
        note(HeaderName.setAsideStage, .string(setAside.stage.rawValue))
        note(HeaderName.setAsideDeliveries, .integer(Int64(setAside.deliveries)))
    }

    mutating func note(heldFor place: Holdings.Place) {
        note(HeaderName.heldExchange, .string(place.exchange))
        note(HeaderName.heldRoutingKey, .string(place.routingKey))
    }

    private mutating func note(_ name: String, _ value: FieldValue) {
        fields.removeAll { $0.name == name }
        fields.append(Field(name, value))
    }
}
