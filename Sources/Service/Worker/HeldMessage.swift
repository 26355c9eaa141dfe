import Broker
import DeclineRecovery
import Pipeline

/// A message that was refused where it was to go: it waits in the delay ladder and comes to the queue of its own kind, with a note of the place.
struct HeldMessage {
    let place: Holdings.Place
    /// As it was to be published.
    let message: Broker.OutgoingMessage

    /// `nil` for a message that does not say where it is to go.
    init?(_ delivery: Delivery) {
        let headers = delivery.properties.headers
        guard case .string(let exchange)? = headers[HeaderName.heldExchange],
            case .string(let routingKey)? = headers[HeaderName.heldRoutingKey]
        else {
            return nil
        }
        place = Holdings.Place(exchange: exchange, routingKey: routingKey)
        var properties = delivery.properties
        properties.isPersistent = true
        properties.headers.fields.removeAll { HeaderName.isOfOneHop($0.name) }
        message = Broker.OutgoingMessage(exchange: exchange, routingKey: routingKey, properties: properties, body: delivery.body)
    }

    init(_ message: Broker.OutgoingMessage) {
        place = Holdings.Place(exchange: message.exchange, routingKey: message.routingKey)
        self.message = message
    }

    /// On its way into the ladder.
    func keptUntil(_ moment: Moment, now: Moment, _ names: TopologyNames) -> Broker.OutgoingMessage {
        let entry = DelayLadder.entry(after: moment - now, to: .held)
        var properties = message.properties
        properties.headers.note(heldFor: place)
        properties.headers.note(due: now + entry.delay)
        return Broker.OutgoingMessage(
            exchange: names.delays[entry.rung], routingKey: entry.routingKey, isMandatory: message.isMandatory, properties: properties,
            body: message.body)
    }
}

extension StageRunner {
    /// A message on its way out.
    struct Sending {
        let message: Broker.OutgoingMessage
        /// Where the message was to go that this one keeps for later.
        var keptFor: Holdings.Place?

        init(_ message: Broker.OutgoingMessage, keptFor place: Holdings.Place? = nil) {
            self.message = message
            keptFor = place
        }
    }

    /// How an attempt ended that is not to be followed by another. Where it is done, every place has taken its message.
    func isFinished(_ attempt: Delivery.Attempt, _ messages: [Broker.OutgoingMessage]) -> Bool {
        if attempt == .lost { report.failed(.deliveryLost) }
        if attempt == .finished { holdings.taken(messages.map { HeldMessage($0).place }) }
        return attempt == .finished
    }

    /// What is published in place of a message that was refused.
    func keep(_ message: Broker.OutgoingMessage, because failure: PublishError) -> Sending {
        let held = HeldMessage(message)
        let now = clock.now()
        let until = holdings.refused(held.place, "\(failure)", now: now, isTrial: false, isAlone: isAlone(held.place))
        report.putAway(held.place, failure, until: until)
        return Sending(held.keptUntil(until, now: now, names), keptFor: held.place)
    }

    /// Tries a held message, alone, or puts it away again.
    func release(_ held: HeldMessage, _ handed: Handed, _ lane: Lane) async {
        let delivery = handed.delivery
        while true {
            let now = clock.now()
            if let later = holdings.turn(held.place, now: now) { return await putBack(held, handed, until: later, lane) }
            switch await delivery.tryToFinish(publishing: [held.message]) {
            case .finished:
                holdings.taken([held.place], isTrial: true)
                report.gaveOut(held.place)
                return
            case .lost: return
            case .open(let failures):
                guard let failure = failures.first ?? nil else { return }
                switch failure {
                case .closed: return report.failed(.publish(failure))
                case .connectionLost, .blocked:
                    report.failed(.publish(failure))
                    if await !rest(.seconds(1), on: lane) { return }
                case .returned, .nacked, .unsendable:
                    let later = holdings.refused(
                        held.place, "\(failure)", now: clock.now(), isTrial: true, isAlone: isAlone(held.place))
                    report.refusedAgain(held.place, failure, until: later)
                    return await putBack(held, handed, until: later, lane)
                }
            }
        }
    }

    /// Whether nobody else gets what is published there: a key of the work exchange is that of one queue.
    private func isAlone(_ place: Holdings.Place) -> Bool { place.exchange == names.work }

    private func putBack(_ held: HeldMessage, _ handed: Handed, until moment: Moment, _ lane: Lane) async {
        _ = await finish(handed, publishing: [Sending(held.keptUntil(moment, now: clock.now(), names), keptFor: held.place)], on: lane)
    }
}
