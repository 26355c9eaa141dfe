import Broker
import DeclineRecovery
import Synchronization

/// The stream of the claims' snapshots. A fleet may have none, and anything odd about one means that all claims are read.
struct ClaimSnapshotStream {
    let link: BrokerLink
    let names: TopologyNames

    static let partType = "com.salvage.recovery.claims-snapshot.v1"

    // MARK: Reading

    enum Latest {
        /// There is none to be trusted.
        case nothing
        /// The newest that is whole, and the mark behind which the claims go on.
        case book(ClaimBook, behind: StreamEntry)
        /// The newest is of another stream than the one that stands there now.
        case ofAnotherStream
    }

    /// What there is, as the broker says.
    ///
    /// - Throws: where the broker does not say it. Nobody begins by that: it may have the sign that this is another stream.
    func latest(at now: Moment) async throws(BrokerError) -> Latest {
        for _ in 0..<2 {
            do throws(BrokerError) { return try await look(at: now) } catch {
                guard error.isTransient else { throw error }
            }
            try? await Task.sleep(for: .seconds(1))
        }
        return try await look(at: now)
    }

    private func look(at now: Moment) async throws(BrokerError) -> Latest {
        let end: Int64?
        do throws(BrokerError) { end = try await link.lastOffset(of: names.claimSnapshots) } catch {
            // There is no such stream, or no right to it.
            if case .refused(let code, _) = error, code == 404 || code == 403 { return .nothing }
            throw error
        }
        guard var last = end else { return .nothing }
        var seen: Set<Claim.ID> = []
        var isOfThisStream = false
        // The newest may be in the making, or have lost its writer. Before it stands the one before.
        while let (head, offset) = try await part(atOrBefore: last) {
            if seen.insert(head.id).inserted {
                switch try await mark(of: head) {
                case .stands(let mark):
                    isOfThisStream = true
                    if head.isReadable, head.part == head.parts - 1, let book = try await read(head, to: offset, now) {
                        return .book(book, behind: mark)
                    }
                // One of before is history where a later one is of this stream.
                case .isMissing: if !isOfThisStream { return .ofAnotherStream }
                case .isForgotten: break
                }
            }
            if seen.count == 3 { return .nothing }
            // Where offsets have no message this still stands in the same snapshot, and never before the end of the one before.
            last = offset - Int64(head.part) - 1
        }
        return .nothing
    }

    private enum Mark {
        case stands(StreamEntry)
        /// The stream begins behind it by now.
        case isForgotten
        /// Another stream: this one has something else there, or does not reach so far.
        case isMissing
    }

    /// The mark, where the stream of claims has it at the place that the snapshot names.
    private func mark(of head: ClaimSnapshot.Head) async throws(BrokerError) -> Mark {
        if let entry = try await link.firstEntry(of: names.claims, from: head.offset) {
            if entry.offset > head.offset { return .isForgotten }
            return ClaimSnapshotMark.decode(entry.body)?.id == head.id ? .stands(entry) : .isMissing
        }
        guard let end = try await link.lastOffset(of: names.claims), end >= head.offset else { return .isMissing }
        throw .timedOut(what: "what stands on the stream \(names.claims) at \(head.offset)")
    }

    /// The part at an offset, or the nearest before it: where the broker begins a new file it takes an offset for itself (seen on 3.10), so
    /// there are offsets without a message.
    private func part(atOrBefore offset: Int64) async throws(BrokerError) -> (head: ClaimSnapshot.Head, offset: Int64)? {
        for offset in stride(from: offset, through: max(offset - 2, 0), by: -1) {
            // There is one behind it, so one that does not come is slow.
            guard let entry = try await link.firstEntry(of: names.claimSnapshots, from: offset) else {
                throw .timedOut(what: "what stands on the stream \(names.claimSnapshots) at \(offset)")
            }
            if entry.offset == offset { return ClaimSnapshot.Head(entry.body).map { ($0, offset) } }
        }
        return nil
    }

    /// - Parameter last: where its last part stands. How far before it the first does is known but for the offsets that have no message.
    private func read(_ head: ClaimSnapshot.Head, to last: Int64, _ now: Moment) async throws(BrokerError) -> ClaimBook? {
        let parts = Int64(head.part)
        let start = max(last - parts - parts / 16 - 4, 0)
        let snapshot = Mutex<ClaimSnapshotReading?>(nil)
        let reading = try await link.read(names.claimSnapshots, from: .offset(start), prefetch: 16) { entries in
            snapshot.withLock { snapshot in
                for entry in entries where (start...last).contains(entry.offset) {
                    if snapshot == nil {
                        guard let first = ClaimSnapshot.Head(entry.body), first.id == head.id, first.part == 0 else { continue }
                        snapshot = ClaimSnapshotReading(head)
                    }
                    snapshot?.take(entry.body)
                }
            }
        }
        do throws(BrokerError) { try await reading.reach(last) } catch {
            await reading.end()
            throw error
        }
        await reading.end()
        return snapshot.withLock { $0?.finish(at: now) }
    }

    // MARK: Writing

    enum Outcome {
        case written
        /// Nobody can write one here: there is no such stream, or no right to it.
        case impossible
        case failed
        /// This process is at its end.
        case closed
    }

    /// Writes a snapshot, a part at a time and with rests between, so that no claim has to wait behind it for long.
    func write(_ snapshot: ClaimSnapshot) async -> Outcome {
        var snapshot = snapshot
        do throws(BrokerError) {
            // What is published where there is no exchange takes the claims along that are on their way.
            let needed = Topology(
                exchanges: [Exchange(names.claimSnapshots, .fanout)], queues: [Queue(names.claimSnapshots, .stream)])
            guard try await link.check(needed, kindsOf: []).isEmpty else { return .impossible }
        } catch {
            return error == .closed ? .closed : .failed
        }
        while let part = snapshot.nextPart() {
            let begun = ContinuousClock.now
            let message = Broker.OutgoingMessage(
                exchange: names.claimSnapshots, routingKey: "",
                properties: MessageProperties(contentType: "application/octet-stream", type: Self.partType, appID: "salvage"), body: part)
            do throws(PublishError) { try await link.publish([message]) } catch {
                switch error {
                case .returned: return .impossible
                case .closed: return .closed
                case .nacked, .unsendable, .connectionLost, .blocked: return .failed
                }
            }
            try? await Task.sleep(for: max((ContinuousClock.now - begun) * 3, .milliseconds(5)))
        }
        return .written
    }

    /// Writes what must stand there, however long the broker takes for it.
    func insist(on snapshot: ClaimSnapshot) async {
        var pause = Duration.seconds(1)
        while await write(snapshot) == .failed {
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(10))
        }
    }
}

/// Who writes the next snapshot, and when: whoever's mark stands first on the stream, once so many claims have come since the last.
struct ClaimSnapshotTurns {
    /// How many claims a start reads at most, as long as they do not come faster than snapshots are written.
    var every: Int64 = 100_000
    /// Marks are at least this far apart, however many claims come.
    var pause: Duration = .seconds(120)

    /// Whether this process follows the claims as they come, and means to write.
    var isLive = false
    /// It has met claims of a later version: what it knows is not all that they come to.
    var isBlind = false
    /// Where the last mark stands; before the first, where the reading began.
    private var last: Int64?
    /// Its mark that is on its way. One that does not come is made again.
    private var own: (id: Claim.ID, until: ContinuousClock.Instant)?
    private var isWriting = false
    private var notBefore = ContinuousClock.now

    init() {}

    /// The stream was read up to here. Whether a mark of this process's is due, whose id is then expected.
    mutating func isDue(at offset: Int64, by id: Claim.ID) -> Bool {
        guard let last else {
            last = offset
            return false
        }
        let now = ContinuousClock.now
        guard isLive, !isBlind, !isWriting, offset - last >= every, now >= notBefore, now >= own?.until ?? now else { return false }
        own = (id, now + .seconds(60))
        return true
    }

    /// A mark was read. Whether it is this process's turn to write: its own, and no other stands close before it.
    mutating func read(_ mark: Claim.ID, at offset: Int64) -> Bool {
        let isFirst = last.map { offset - $0 >= every } ?? true
        if isFirst { last = offset }
        notBefore = ContinuousClock.now + pause
        guard mark == own?.id else { return false }
        own = nil
        isWriting = isFirst
        return isFirst
    }

    mutating func ended(_ outcome: ClaimSnapshotStream.Outcome) {
        isWriting = false
        if outcome == .impossible { isLive = false }
    }

    /// Goes on behind the mark of a snapshot that was read.
    mutating func begin(behind offset: Int64) { last = offset }
}
