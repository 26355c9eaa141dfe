import Broker
import DeclineRecovery
import JSON
import Operations
import Pipeline

extension StageMessage {
    /// The message as the broker takes it.
    ///
    /// - Parameter now: a message for the delay ladder says when it is due, so that whoever gets it can tell how late it came.
    /// - Parameter tracestate: what goes with its `traceparent`.
    func brokerMessage(_ names: TopologyNames, now: Moment, tracestate: String? = nil) -> Broker.OutgoingMessage {
        let (exchange, key): (String, String) =
            switch destination {
            case .stage(let stage): (names.work, stage.rawValue)
            case .delayed(let stage, let delay):
                { entry in (names.delays[entry.rung], entry.routingKey) }(DelayLadder.entry(after: delay, to: stage))
            case .results(let orderType, let kind): (names.results, "\(orderType?.rawValue ?? "unknown").\(kind.rawValue)")
            case .reply(let queue): ("", queue)
            case .deadLetters: (names.dead, "")
            case .cancels: (names.cancels, "")
            case .journal: (names.journal, "")
            }
        // Who waited for a reply may be gone; nobody misses it then.
        let isMandatory = if case .reply = destination { false } else { true }
        var headers = FieldTable()
        // Nearly every message has some, up to four.
        headers.fields.reserveCapacity(4)
        if let traceparent {
            headers.fields.append(FieldTable.Field(HeaderName.traceparent, .string(traceparent)))
            if let tracestate { headers.fields.append(FieldTable.Field(HeaderName.tracestate, .string(tracestate))) }
        }
        if let share { headers.note(share) }
        if case .delayed(let stage, let delay) = destination {
            let due = now + DelayLadder.entry(after: delay, to: stage).delay
            headers.note(due: due)
        }
        return Broker.OutgoingMessage(
            exchange: exchange, routingKey: key, isMandatory: isMandatory,
            properties: MessageProperties(
                contentType: "application/cloudevents+json", messageID: Self.property(messageID), correlationID: correlationID, type: type,
                appID: "salvage", timestamp: UInt64(max(now.milliseconds / 1_000, 0)), headers: headers
            ).sendable(),
            body: body)
    }

    /// Whether nobody is wronged when it does not arrive: it is a copy for one who waits, and the result stands elsewhere. Where it goes is
    /// a stranger's word, so it travels apart from what must arrive.
    var isCourtesy: Bool { if case .reply = destination { true } else { false } }

    /// AMQP's properties have at most 255 bytes. A longer id is in the body as it is; here its UUID stands for it, the same at every repeat.
    private static func property(_ id: String) -> String {
        id.utf8.count <= 255 ? id : UUID5(namespace: UUID5(high: 0x1b7c_5a90_44e2_5d31, low: 0x9c0d_7f28_e6a1_3b54), name: id).description
    }
}

extension Broker.OutgoingMessage {
    /// An event of ours on its way to a stream.
    convenience init(event body: [UInt8], _ type: String, id: String? = nil, to exchange: String) {
        self.init(
            exchange: exchange, routingKey: "",
            properties: MessageProperties(contentType: "application/cloudevents+json", messageID: id, type: type, appID: "salvage"),
            body: body)
    }

    /// The message of a delivery as it came, on its way to another queue.
    ///
    /// - Parameter own: the stage whose queue it came from.
    /// - Parameter survived: how often it was handed out without its worker's end. As a new message it begins at what is left.
    convenience init(
        _ delivery: Delivery, at own: Stage, _ onward: StageOutcome.Onward, _ names: TopologyNames, survived: Int, now: Moment
    ) {
        let notes = DeliveryNotes(delivery, at: own, names)
        let deliveries = notes.deliveries(survived: survived)
        var properties = delivery.properties
        properties.isPersistent = true
        // What is in our hands does not run out.
        properties.expiration = nil
        // Orders for sending copies were carried out when it was first published.
        properties.headers.fields.removeAll { $0.name.hasPrefix("x-") || $0.name == "CC" || $0.name == "BCC" }
        properties = properties.sendable()
        let exchange: String
        let key: String
        switch onward {
        case .queue(let stage):
            (exchange, key) = ("", names.queue(of: stage))
        case .ladder(let stage, let due):
            let entry = DelayLadder.entry(after: due - now, to: stage)
            (exchange, key) = (names.delays[entry.rung], entry.routingKey)
            // It comes to its stage again as a new message, which must know of the old one all the same.
            if stage == own {
                properties.headers.note(due: now + entry.delay)
                if delivery.redelivered { properties.headers.note(notes.origin) }
                properties.headers.note(deliveries: deliveries)
            }
        case .again(let stage):
            (exchange, key) = ("", names.queue(of: stage))
            // The time in the ladder was no wait in a queue.
            if properties.headers[HeaderName.due] != nil { properties.timestamp = UInt64(max(now.milliseconds / 1_000, 0)) }
            properties.headers.fields.removeAll { HeaderName.isOfOneHop($0.name) && !(stage == .held && HeaderName.isOfHeld($0.name)) }
            properties.headers.note(notes.origin)
            properties.headers.note(deliveries: deliveries)
            notes.setAside.map { properties.headers.note($0) }
        case .suspects(let setAside):
            (exchange, key) = (names.work, Stage.suspects.rawValue)
            properties.headers.fields.removeAll { HeaderName.isOfOneHop($0.name) }
            properties.headers.note(notes.origin)
            properties.headers.note(setAside)
        }
        self.init(exchange: exchange, routingKey: key, properties: properties, body: delivery.body)
    }
}

extension MessageProperties {
    private var fits: Bool {
        func fits(_ text: String?) -> Bool { text.map { $0.utf8.count <= 255 } ?? true }
        return fits(contentType) && fits(contentEncoding) && fits(messageID) && fitsCorrelationID && fits(replyTo) && fits(type)
            && fits(appID) && headers.fields.allSatisfy { $0.name.utf8.count <= 255 } && headers.encodedSize <= 64_000
    }

    private var fitsCorrelationID: Bool { correlationID.map { CorrelationID.size(of: $0) <= 255 } ?? true }

    /// Without what does not fit the protocol, and with a note of what was left out.
    ///
    /// A text that came as bytes that are no UTF-8 has grown on the way, and would never fit again; and headers must fit one frame, beside ours.
    consuming func sendable() -> MessageProperties {
        if fits { return self }
        var fitting = self
        var leftOut: [String] = []
        func fit(_ text: inout String?, _ name: String) {
            guard let long = text, long.utf8.count > 255 else { return }
            text = nil
            leftOut.append(name)
        }
        fit(&fitting.contentType, "content-type")
        fit(&fitting.contentEncoding, "content-encoding")
        fit(&fitting.messageID, "message-id")
        if !fitting.fitsCorrelationID {
            fitting.correlationID = nil
            leftOut.append("correlation-id")
        }
        fit(&fitting.replyTo, "reply-to")
        fit(&fitting.type, "type")
        fit(&fitting.appID, "app-id")
        let count = fitting.headers.fields.count
        fitting.headers.fields.removeAll { $0.name.utf8.count > 255 }
        // So much is nobody's trace context.
        if fitting.headers.encodedSize > 64_000 { fitting.headers.fields.removeAll { !HeaderName.isOfOneHop($0.name) } }
        if fitting.headers.encodedSize > 64_000 { fitting.headers = FieldTable() }
        if fitting.headers.fields.count < count { leftOut.append("headers") }
        if !leftOut.isEmpty {
            fitting.headers.fields.append(FieldTable.Field(HeaderName.leftOut, .string(leftOut.joined(separator: ", "))))
        }
        return fitting
    }
}

extension IncomingMessage {
    /// - Parameter stage: whose queue it came from. What we sent on as it came is shown as its stage would have seen it, handed out before.
    /// - Parameter survived: how often this process was handed it before, and lived.
    convenience init(_ delivery: Delivery, at stage: Stage, _ names: TopologyNames, survived: Int) {
        let notes = DeliveryNotes(delivery, at: stage, names)
        let properties = delivery.properties
        self.init(
            body: delivery.body, byteCount: delivery.byteCount, contentType: properties.contentType, messageID: properties.messageID,
            type: properties.type,
            correlationID: properties.correlationID, replyTo: properties.replyTo, traceparent: TraceParent.from(properties.headers),
            headers: properties.headers.kept, exchange: notes.origin.exchange, routingKey: notes.origin.routingKey,
            redelivered: delivery.redelivered || notes.origin.isNoted || stage == .suspects,
            deliveries: notes.deliveries(survived: survived), due: notes.due,
            setAside: notes.setAside, drivenOut: notes.drivenOut)
    }
}

extension FieldTable {
    /// What a dead letter keeps of them: neither the trace nor what belongs to one hop. Most messages have nothing else.
    fileprivate var kept: [(name: String, value: JSONValue)] {
        func isKept(_ field: Field) -> Bool {
            !HeaderName.isOfTrace(field.name) && !HeaderName.isOfOneHop(field.name) && !HeaderName.isOfShare(field.name)
        }
        return fields.contains(where: isKept) ? fields.filter(isKept).map { ($0.name, JSONValue($0.value)) } : []
    }
}
