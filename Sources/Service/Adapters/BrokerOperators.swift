package import Broker
package import DeclineRecovery
import JSON
package import Operations
import Pipeline

/// The broker, as operators need it, over a link.
struct BrokerOperators: OperatorBroker {
    let link: BrokerLink
    let names: TopologyNames
    private let barred = BarredPlaces()
    private let spared = SparedPlaces()

    var letters: any MessageStream { BrokerStream(link: link, name: names.dead) }
    var journal: any MessageStream { BrokerStream(link: link, name: names.journal) }
    var pulses: any MessageStream { BrokerStream(link: link, name: names.pulse) }
    var pauses: any MessageStream { BrokerStream(link: link, name: names.pauses) }
    var rollups: any RollupStream { BrokerRollups(link: link, names: names) }
    var lock: any OperatorLock { BrokerOperatorLock(link: link, names: names) }
    var isConnected: Bool { link.isConnected }

    func alarm() async throws(BrokerFailure) -> String? {
        do throws(BrokerError) { return try await link.alarm() } catch { throw BrokerFailure(error) }
    }

    func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth? {
        if barred.contains(.queue(queue)) { return nil }
        do throws(BrokerError) {
            let depth = try await link.depth(of: queue)
            return QueueDepth(ready: depth.ready, readers: depth.consumers)
        } catch .refused(404, _) {
            return nil
        } catch .refused(403, _) {
            // From RabbitMQ 4.2.6 on a look needs a right too.
            barred.bar(.queue(queue))
            return nil
        } catch {
            throw BrokerFailure(error)
        }
    }

    func topology() async throws(BrokerFailure) -> TopologyLook {
        let whole = Topology(recovery: names, crmInbox: false)
        var look = try await look(at: whole.requiring(names))
        look.absent = try await absent(of: whole.sparing(names))
        return look
    }

    private func look(at places: Topology) async throws(BrokerFailure) -> TopologyLook {
        let rest = barred.rest(of: places)
        // Of what kind a queue is, is not asked: the broker writes each such question into its log.
        let differences: [TopologyDifference]
        do throws(BrokerError) { differences = try await link.check(rest, kindsOf: []) } catch { throw BrokerFailure(error) }
        var look = TopologyLook(unseen: places.exchanges.count - rest.exchanges.count + places.queues.count - rest.queues.count)
        for difference in differences {
            switch difference {
            case .missingExchange(let name): look.missing.append(.exchange(name))
            case .missingQueue(let name): look.missing.append(.queue(name))
            case .denied(let what, let name):
                barred.bar(what == "queue" ? .queue(name) : .exchange(name))
                look.unseen += 1
            default: look.unseen += 1
            }
        }
        return look
    }

    /// What is gone of that which a fleet goes on without. Whether it is where this login may not look is no matter of the fleet's.
    private func absent(of optional: Topology) async throws(BrokerFailure) -> [TopologyLook.Place] {
        if let known = spared.absent() { return known }
        let absent = try await look(at: optional).missing
        spared.found(absent)
        return absent
    }

    func order(_ pause: Pause) async throws(BrokerFailure) {
        let message = Broker.OutgoingMessage(event: pause.encoded(), Pause.type, id: pause.id, to: names.pauses)
        do throws(PublishError) { try await link.publish([message]) } catch { throw BrokerFailure(error) }
    }
}

extension LetterStore {
    package convenience init(_ link: BrokerLink, _ names: TopologyNames) {
        self.init(BrokerOperators(link: link, names: names), names, clock: SystemClock())
    }
}

extension FlowStore {
    convenience init(
        _ link: BrokerLink, _ names: TopologyNames, rollups: RollupTurns = .never,
        tell: @escaping @Sendable (RollupNews) -> Void = { _ in }
    ) {
        self.init(BrokerOperators(link: link, names: names), names, clock: SystemClock(), rollups: rollups, tell: tell)
    }
}

extension BrokerLink {
    /// The journal's stream.
    package func journal(_ names: TopologyNames) -> any MessageStream { BrokerOperators(link: self, names: names).journal }

    /// The journal's money, for a time that begins on a day.
    package func money(from day: Int64, _ names: TopologyNames) async throws -> MoneyBook {
        try await MoneyBook.read(from: day, in: BrokerOperators(link: self, names: names), now: SystemClock().now())
    }
}

private struct BrokerStream: MessageStream {
    let link: BrokerLink
    let name: String

    func follow(
        from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
    ) async throws(BrokerFailure) -> any StreamFollower {
        do throws(BrokerError) {
            let reading = try await link.read(name, from: StreamPosition(start), prefetch: UInt16(clamping: mostAhead)) {
                onBatch($0.map(StreamMessage.init))
            }
            return BrokerFollower(reading: reading)
        } catch {
            throw BrokerFailure(error)
        }
    }

    func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {
        do throws(BrokerError) {
            try await link.readToEnd(name, from: StreamPosition(start)) { onBatch($0.map(StreamMessage.init)) }
        } catch {
            throw BrokerFailure(error)
        }
    }

    func lastOffset() async throws(BrokerFailure) -> Int64? {
        do throws(BrokerError) { return try await link.lastOffset(of: name) } catch { throw BrokerFailure(error) }
    }
}

private struct BrokerRollups: RollupStream {
    let link: BrokerLink
    let names: TopologyNames

    static let type = "com.salvage.journal-rollup.v1"

    private var stream: BrokerStream { BrokerStream(link: link, name: names.rollups) }

    func follow(
        from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
    ) async throws(BrokerFailure) -> any StreamFollower {
        try await stream.follow(from: start, mostAhead: mostAhead, onBatch)
    }

    func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {
        try await stream.readToEnd(from: start, onBatch)
    }

    func lastOffset() async throws(BrokerFailure) -> Int64? { try await stream.lastOffset() }

    func isThere() async throws(BrokerFailure) -> Bool {
        let needed = Topology(exchanges: [Exchange(names.rollups, .fanout)], queues: [Queue(names.rollups, .stream)])
        do throws(BrokerError) { return try await link.check(needed, kindsOf: []).isEmpty } catch { throw BrokerFailure(error) }
    }

    func append(_ part: [UInt8]) async throws(BrokerFailure) {
        let message = Broker.OutgoingMessage(
            exchange: names.rollups, routingKey: "",
            properties: MessageProperties(contentType: "application/octet-stream", type: Self.type, appID: "salvage"), body: part)
        do throws(PublishError) { try await link.publish([message]) } catch { throw BrokerFailure(error) }
    }
}

private struct BrokerFollower: StreamFollower {
    let reading: StreamReading

    var lastOffset: Int64 { reading.lastOffset }

    func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {
        do throws(BrokerError) { try await reading.reach(offset, patience: seconds) } catch { throw BrokerFailure(error) }
    }

    func end() async { await reading.end() }
}

private struct BrokerOperatorLock: OperatorLock {
    let link: BrokerLink
    let names: TopologyNames

    func take() async throws(BrokerFailure) -> (any HeldLock)? {
        do throws(BrokerError) {
            return try await link.lock(names.deadLock).map { BrokerHeldLock(link: link, names: names, lock: $0) }
        } catch {
            throw BrokerFailure(error)
        }
    }

    func isTaken() async throws(BrokerFailure) -> Bool {
        do throws(BrokerError) { return try await link.isLocked(names.deadLock) } catch { throw BrokerFailure(error) }
    }
}

private struct BrokerHeldLock: HeldLock {
    let link: BrokerLink
    let names: TopologyNames
    let lock: BrokerLock

    var isHeld: Bool { lock.isHeld }

    func publish(_ messages: [OperatorMessage]) async throws(BrokerFailure) {
        let now = SystemClock().now()
        do throws(PublishError) { try await lock.publish(messages.map { $0.brokerMessage(names, now: now) }) } catch {
            throw BrokerFailure(error)
        }
    }

    func release() async { await link.release(lock) }
}

extension StreamPosition {
    fileprivate init(_ start: StreamStart) {
        self =
            switch start {
            case .first: .first
            case .next: .next
            case .offset(let offset): .offset(offset)
            case .time(let moment): .time(UInt64(max(moment.milliseconds / 1_000, 0)))
            }
    }
}

extension StreamMessage {
    init(_ entry: StreamEntry) {
        self.init(
            offset: entry.offset, type: entry.properties.type, messageID: entry.properties.messageID,
            traceparent: TraceParent.noted(in: entry.properties.headers),
            body: entry.body)
    }
}

extension OperatorMessage {
    func brokerMessage(_ names: TopologyNames, now: Moment) -> Broker.OutgoingMessage {
        switch self {
        case .record(let record):
            Broker.OutgoingMessage(event: record.encoded(), LetterRecord.type, id: record.id.description, to: names.dead)
        case .claim(let claim): Broker.OutgoingMessage(event: claim.encoded(), ClaimRecord.type, to: names.claims)
        case .replay(let message): message.brokerMessage
        case .stage(let message): message.brokerMessage(names, now: now)
        }
    }
}

extension ReplayMessage {
    var brokerMessage: Broker.OutgoingMessage {
        var fields = headers.compactMap { header in FieldValue(header.value).map { FieldTable.Field(header.name, $0) } }
        fields.append(FieldTable.Field(HeaderName.traceparent, .string(traceparent)))
        return Broker.OutgoingMessage(
            exchange: exchange, routingKey: routingKey,
            properties: MessageProperties(
                contentType: contentType, messageID: messageID, correlationID: correlationID, type: type, appID: "salvage",
                headers: FieldTable(fields)),
            body: body)
    }
}

extension BrokerFailure {
    package init(_ error: BrokerError) {
        switch error {
        case .refused(404, let text):
            self.init(
                "the broker has no such queue or exchange (\(text))",
                advice: "Run `salvage topology apply`, or check --prefix and the virtual host of --broker-url.",
                isRefusal: true)
        case .refused(403, _): self.init(error.description, advice: "\(error.advice) \(Self.rights)", isRefusal: true)
        case .cannotConnect, .loginRefused, .tls, .connectionLost, .timedOut, .closed:
            self.init(error.description, advice: error.advice, isAbsence: true)
        // It is told before anything is sent.
        case .blocked: self.init("\(error); nothing was changed", advice: error.advice, isAbsence: true, isAlarm: true)
        case .refused, .protocolViolation, .anotherStream: self.init(error.description, advice: error.advice)
        }
    }

    private static let rights = "`salvage topology print --permissions` prints what each role needs."

    /// What was lost while a lock is held is the channel alone: one message made the broker close it, and it names none.
    package init(_ error: PublishError) {
        let (isAbsence, isOfOneMessage) =
            switch error {
            case .returned, .nacked, .unsendable: (false, true)
            case .connectionLost: (true, true)
            case .closed, .blocked: (true, false)
            }
        let isRefusal = if case .returned(403, _, _, _) = error { true } else { false }
        let isAlarm = if case .blocked = error { true } else { false }
        self.init(
            error.description, advice: isRefusal ? "\(error.advice) \(Self.rights)" : error.advice, isAbsence: isAbsence,
            isOfOneMessage: isOfOneMessage, isRefusal: isRefusal, isAlarm: isAlarm)
    }
}
