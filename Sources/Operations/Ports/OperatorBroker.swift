package import DeclineRecovery
package import Pipeline

/// The broker, as operators need it: streams to read, queues to count, and the right to act, which one has at a time.
package protocol OperatorBroker: Sendable {
    var letters: any MessageStream { get }
    var journal: any MessageStream { get }
    var pulses: any MessageStream { get }
    var pauses: any MessageStream { get }
    var rollups: any RollupStream { get }
    var lock: any OperatorLock { get }
    var isConnected: Bool { get }

    /// Why the broker takes no messages at the moment, in its own words; `nil` where it takes them. Asking changes nothing there.
    func alarm() async throws(BrokerFailure) -> String?

    /// What stands in a queue; `nil` for one that is not there, or into which this login may not look.
    func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth?

    /// Which exchanges and queues are gone. Asking changes nothing there.
    func topology() async throws(BrokerFailure) -> TopologyLook

    /// Makes a pause known to every worker; returns when the broker has it.
    func order(_ pause: Pause) async throws(BrokerFailure)
}

/// What stands in a queue at a moment.
package struct QueueDepth: Sendable, Equatable {
    /// Messages that wait for whoever reads it.
    package let ready: Int
    /// Those who read it.
    package let readers: Int

    package init(ready: Int = 0, readers: Int = 0) {
        self.ready = ready
        self.readers = readers
    }
}

/// What a look at a fleet's exchanges and queues found.
package struct TopologyLook: Sendable, Equatable {
    /// Those without which no fleet works.
    package var missing: [Place]
    /// At how many of them this login may not look: they may be gone as well.
    package var unseen: Int
    /// Those that are gone and that a fleet goes on without (`TopologyNames.optional`).
    package var absent: [Place]

    package enum Place: Sendable, Hashable, CustomStringConvertible {
        case exchange(String)
        case queue(String)

        package var description: String {
            switch self {
            case .exchange(let name): "exchange \(name)"
            case .queue(let name): "queue \(name)"
            }
        }
    }

    package init(missing: [Place] = [], unseen: Int = 0, absent: [Place] = []) {
        self.missing = missing
        self.unseen = unseen
        self.absent = absent
    }
}

/// A stream: of letters, of the journal, of the workers' pulses. Reading takes nothing away.
package protocol MessageStream: Sendable {
    /// Hands out what stands there from a place on, and then what comes, each message once and in order, until it is ended. An offset that is
    /// no greater than the one before is of a stream that took this one's place: it is read from its beginning.
    func follow(
        from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
    ) async throws(BrokerFailure) -> any StreamFollower

    /// Hands out what stands there now.
    func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure)

    /// Where the last message stands; `nil` in an empty stream.
    func lastOffset() async throws(BrokerFailure) -> Int64?
}

/// The stream of the journal's roll-ups. A fleet may have none.
package protocol RollupStream: MessageStream {
    /// Whether it is there; what is published where there is nothing may take other messages along.
    func isThere() async throws(BrokerFailure) -> Bool

    /// Returns when the broker has it.
    func append(_ part: [UInt8]) async throws(BrokerFailure)
}

extension MessageStream {
    func follow(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure)
        -> any StreamFollower
    {
        try await follow(from: start, mostAhead: 10_000, onBatch)
    }

    /// Hands out what stands at some offsets, and ends. Where the oldest of them were dropped for their age, it begins with what is there.
    func read(
        _ offsets: ClosedRange<Int64>, mostAhead: Int, _ take: @escaping @Sendable (StreamMessage) -> Void
    ) async throws(BrokerFailure) {
        let follower = try await follow(from: .offset(offsets.lowerBound), mostAhead: mostAhead) { messages in
            for message in messages where offsets.contains(message.offset) { take(message) }
        }
        do throws(BrokerFailure) { try await follower.reach(offsets.upperBound, patience: 10) } catch {
            await follower.end()
            throw error
        }
        await follower.end()
    }
}

package enum StreamStart: Sendable, Hashable {
    case first
    /// Only what comes from now on.
    case next
    case offset(Int64)
    /// Some older messages may come first.
    case time(Moment)
}

package protocol StreamFollower: Sendable {
    /// Of the last message that was handed out; -1 before the first.
    var lastOffset: Int64 { get }

    /// Waits until everything up to an offset was handed out; fails when for some seconds nothing more came.
    func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure)
    func end() async
}

/// A message of a stream, and where it stands there.
package struct StreamMessage: Sendable {
    package let offset: Int64
    package let type: String?
    package let messageID: String?
    package let traceparent: String?
    package let body: [UInt8]

    package init(offset: Int64, type: String?, messageID: String?, traceparent: String?, body: [UInt8]) {
        self.offset = offset
        self.type = type
        self.messageID = messageID
        self.traceparent = traceparent
        self.body = body
    }
}

/// The right to act on letters, which one process of the fleet has at a time.
package protocol OperatorLock: Sendable {
    /// `nil` when somebody else has it.
    func take() async throws(BrokerFailure) -> (any HeldLock)?
    func isTaken() async throws(BrokerFailure) -> Bool
}

/// The right to act, while it lasts. It ends with the process, and with the connection.
package protocol HeldLock: Sendable {
    var isHeld: Bool { get }

    /// Publishes while it is held, and returns when the broker has confirmed every message.
    func publish(_ messages: [OperatorMessage]) async throws(BrokerFailure)
    func release() async
}

/// What operators' acts send.
package enum OperatorMessage: Sendable, Equatable {
    /// What was done, to the stream of letters.
    case record(LetterRecord)
    /// To the stream of claims.
    case claim(ClaimRecord)
    case replay(ReplayMessage)
    /// What settling a charge in doubt publishes.
    case stage(StageMessage)
}

/// What the broker did not do, in its own words.
package struct BrokerFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    package let advice: String
    /// Whether it is the broker that is missing, and not something in it.
    package let isAbsence: Bool
    /// Whether one message is to blame, and others of the same batch may well have gone through.
    package let isOfOneMessage: Bool
    /// Whether there is no such thing, or not for this login: asking again changes nothing.
    package let isRefusal: Bool
    /// Whether the broker has an alarm and takes no messages; what is read there is read as ever.
    package let isAlarm: Bool

    package init(
        _ description: String, advice: String, isAbsence: Bool = false, isOfOneMessage: Bool = false, isRefusal: Bool = false,
        isAlarm: Bool = false
    ) {
        self.description = description
        self.advice = advice
        self.isAbsence = isAbsence
        self.isOfOneMessage = isOfOneMessage
        self.isRefusal = isRefusal
        self.isAlarm = isAlarm
    }
}

/// Time that operators' jobs wait by. Tests turn it by hand.
package protocol OperatorClock: WallClock {
    /// By a clock that nobody sets: only differences mean anything.
    var uptime: Moment { get }

    /// Returns early when its task is cancelled.
    func sleep(_ span: Moment.Span) async
}
