import Broker
import DeclineRecovery
import FoundationEssentials
import JSON
import Logging
import Pipeline
import Synchronization

/// Follows the stream of claims, folds it, and appends this process's own.
///
/// A claim is read back on the connection that follows the stream, behind everything that stood before it; its verdict is computed there,
/// at its own place. A connection that is lost meanwhile only makes that later. Where another stream stands in the place of the one that was
/// read, nothing is claimed any more (`ClaimStreamPlace`).
final class ClaimTail: ClaimsPort {
    let state: Mutex<State>
    let clock = SystemClock()
    let worker: String
    let logger: Logger?
    let session = Mutex<(link: BrokerLink, names: TopologyNames)?>(nil)
    /// How long a claim is waited for. Longer than it is good for, so that a slow broker is told from a dead one.
    private let patience: Duration = .seconds(12)

    struct State {
        var book = ClaimBook()
        var place = ClaimStreamPlace()
        var waiting: [Claim.ID: ClaimWaiter] = [:]
        /// Claims that nobody waits for any more, and that may still come, with the time since when.
        var abandoned: [Claim.ID: ContinuousClock.Instant] = [:]
        var recent = RecentClaims()
        /// When the last of them was claimed.
        var lastAt: Moment?
        var isCaughtUp = false
        /// When the first of them was claimed, where others stood before it.
        var cutAt: Moment?
        /// The sign that these claims are lost is not confirmed yet.
        var isSigning = false
        var nextID = UInt64.random(in: 1 ... .max)
        var lastSweep = ContinuousClock.now
        var forgetting = ForgettingTime()
        let begun = ContinuousClock.now
        var uptime: Duration { ContinuousClock.now - begun }
        var turns: ClaimSnapshotTurns

        init(_ turns: ClaimSnapshotTurns) { self.turns = turns }

        mutating func newID() -> Claim.ID {
            nextID = nextID &+ 0x9e37_79b9_7f4a_7c15
            return nextID
        }

        /// Whether it was claimed here and has not been read so far.
        func isAwaited(_ entry: StreamEntry) -> Bool {
            guard let id = entry.properties.messageID.flatMap({ Claim.ID($0, radix: 36) }) else { return false }
            return waiting[id] != nil || abandoned[id] != nil
        }
    }

    init(worker: String, snapshots turns: ClaimSnapshotTurns = ClaimSnapshotTurns(), logger: Logger? = nil) {
        self.worker = worker
        self.logger = logger
        state = Mutex(State(turns))
        watch()
    }

    /// How many recoveries are remembered, and how many debts are open.
    var counts: (entries: Int, open: Int) { state.withLock { ($0.book.count, $0.book.openCount) } }

    /// How far the reading is. What this process claimed itself and has not read yet it knows to stand there, by a clock that nobody sets; before it
    /// has caught up, the age of what it read last says how much is left.
    var progress: WorkerPulse.Claims {
        let (offset, isCaughtUp, oldest, last) = state.withLock { state in
            (
                state.place.offset, state.isCaughtUp && state.place.trust == .same, state.waiting.values.map(\.until).min(), state.lastAt
            )
        }
        let age = oldest.map { patience - ($0 - ContinuousClock.now) } ?? .zero
        var lag = max(Moment.Span(age), .seconds(0))
        if !isCaughtUp, let last { lag = max(lag, clock.now() - last) }
        return WorkerPulse.Claims(offset: offset, lag: lag, isCaughtUp: isCaughtUp)
    }

    /// The open recoveries that would have no gateway with these merchants.
    func stranded(by merchant: (MerchantID) -> Merchant?) -> [StrandedRecoveries] { state.withLock { $0.book.stranded(by: merchant) } }

    // MARK: Following

    /// Begins to follow, and returns when all that was claimed before is known: when a claim of our own comes by. Returns as well when the
    /// order to stop comes first.
    ///
    /// - Parameter onLoss: told why that cannot be known, for as long as that is so.
    func follow(
        _ link: BrokerLink, _ names: TopologyNames, until stop: StopSignal, onLoss: (String) -> Void = { _ in }
    ) async throws {
        session.withLock { $0 = (link, names) }
        guard let latest = try await snapshot(link, names, until: stop, onLoss: onLoss) else { return }
        _ = try await begin(with: latest, link, names)
        let probe = probe
        while !stop.isSet {
            if await stop.unlessSet({ await self.claim(probe) != nil }) == true {
                state.withLock { state in
                    state.isCaughtUp = true
                    state.forgetting.caughtUp(now: clock.now(), uptime: state.uptime)
                    state.turns.isLive = true
                }
                markWhereDue()
                return
            }
            if let loss { onLoss(loss) }
            await stop.wait(atMost: .milliseconds(200))
        }
    }

    /// A claim of nothing. It comes back behind all that was claimed before it.
    private var probe: ClaimRequest {
        ClaimRequest(
            merchantID: "", reference: RecoveryReference(orderID: UUID().uuidString, kind: .rerun, sequence: 0), debt: nil, amount: nil,
            act: .unsent(0), until: clock.now())
    }

    /// The same for a process that acts once. Where the claims cannot be known it claims nothing, and can do all else.
    func catchUp(_ link: BrokerLink, _ names: TopologyNames) async throws(BrokerError) {
        session.withLock { $0 = (link, names) }
        let reading: StreamReading
        do throws(BrokerError) {
            let latest = try await ClaimSnapshotStream(link: link, names: names).latest(at: clock.now())
            reading = try await begin(with: latest, link, names)
        } catch {
            guard case .anotherStream = error else { throw error }
            state.withLock { $0.place = .lost }
            tellLoss(names)
            return
        }
        guard let end = try await link.lastOffset(of: names.claims) else { return }
        try await reading.reach(end, patience: 30)
    }

    /// Goes on with the claims behind a snapshot; reads all claims where there is none.
    ///
    /// - Throws: `BrokerError.anotherStream` where the snapshot is of a stream that is no more.
    private func begin(
        with latest: ClaimSnapshotStream.Latest, _ link: BrokerLink, _ names: TopologyNames
    ) async throws(BrokerError) -> StreamReading {
        switch latest {
        case .nothing: return try await link.read(names.claims, from: .first, prefetch: 10_000) { [self] in take($0) }
        case .ofAnotherStream: throw .anotherStream(names.claims)
        case .book(let book, let mark):
            logger?.info("A snapshot of the claims is read", metadata: [LogKey.count: "\(book.count)"])
            state.withLock { state in
                state.book = book
                state.place = ClaimStreamPlace(behind: mark)
                if let mark = ClaimSnapshotMark.decode(mark.body) { state.forgetting.heard(mark.at) }
                state.turns.begin(behind: mark.offset)
            }
            return try await link.read(names.claims, behind: mark, prefetch: 10_000) { [self] in take($0) }
        }
    }

    func take(_ batch: [StreamEntry]) {
        let (news, isDoubted, isLost) = state.withLock { state in
            if state.place.offset < 0, let first = batch.first, first.offset > 0 { state.cutAt = Self.claimed(first) }
            var place = state.place
            let news = place.news(of: batch) { state.isAwaited($0) }
            let before = state.place.trust
            state.place = place
            let isLost = before != .lost && place.trust == .lost
            // Of those that act once there are many, and they come and go.
            if isLost { state.isSigning = state.turns.isLive }
            return (news, before == .same && place.trust == .rereading && state.isCaughtUp, isLost)
        }
        // What is claimed now stands behind all that was read, or shows that this is another stream.
        if isDoubted { Task { [weak self] in if let self { _ = await self.claim(self.probe) } } }
        if isLost { lose() }
        if !news.isEmpty { judge(news) }
    }

    private func judge(_ entries: [StreamEntry]) {
        // Of this process's own claims the record is at hand; reading it anew is half of what a claim costs here.
        var records: [ClaimRecord?] = state.withLock { state in
            entries.indices.map {
                entries[$0].properties.messageID.flatMap { Claim.ID($0, radix: 36) }.flatMap { state.waiting[$0]?.record }
            }
        }
        for index in entries.indices where records[index] == nil { records[index] = ClaimRecord.decode(entries[index].body) }
        var answers: [(ClaimWaiter, ClaimVerdict<Int64>)] = []
        var orphans: [Claim] = []
        var frozen: (ClaimBook.Frozen, mark: Claim.ID, offset: Int64)?
        let now = clock.now()
        state.withLock { state in
            for index in entries.indices {
                let offset = entries[index].offset
                guard let record = records[index] else {
                    if let mark = Self.mark(entries[index], &state.turns), state.turns.read(mark, at: offset) {
                        frozen = (state.book.frozen, mark, offset)
                    }
                    continue
                }
                state.lastAt = record.claim.at
                let verdict = state.book.take(record.claim, at: offset)
                state.recent.remember(record, at: offset)
                if let waiter = state.waiting.removeValue(forKey: record.claim.id) {
                    answers.append((waiter, verdict))
                } else if state.abandoned.removeValue(forKey: record.claim.id) != nil {
                    orphans.append(record.claim)
                } else {
                    state.forgetting.heard(record.claim.at)
                }
            }
            if ContinuousClock.now - state.lastSweep > .seconds(1) {
                state.lastSweep = ContinuousClock.now
                // One that comes later yet stands, and FlexFactor is asked what became of it.
                if !state.abandoned.isEmpty {
                    let oldest = state.lastSweep - .seconds(3_600)
                    state.abandoned = state.abandoned.filter { $0.value > oldest }
                }
                // A part at a time: nobody waits for all of them to be looked at.
                if let limit = state.forgetting.limit(now: now, uptime: state.uptime) {
                    state.book.forget(before: limit, atMost: 20_000)
                }
            }
        }
        for (waiter, verdict) in answers { waiter.answer(verdict) }
        for orphan in orphans { withdraw(orphan) }
        markWhereDue()
        if let (frozen, mark, offset) = frozen { write(ClaimSnapshot(of: frozen, id: mark, offset: offset)) }
    }

    /// Takes a claim back on which nobody acted and nobody will.
    private func withdraw(_ claim: Claim) {
        guard case .send = claim.act else { return }
        let withdrawal = ClaimRequest(
            merchantID: claim.merchantID, reference: claim.reference, debt: claim.debt, amount: claim.amount, act: .unsent(claim.id),
            until: claim.until)
        Task { _ = await self.claim(withdrawal) }
    }

    // MARK: Claiming

    func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
        let key = Fingerprint(of: reference, merchant: merchant)
        return state.withLock { $0.book.standing(of: key) }
    }

    func claim(_ request: ClaimRequest) async -> Claimed? {
        let begun = ContinuousClock.now
        let free: Claim.ID? = state.withLock { $0.place.trust == .lost ? nil : $0.newID() }
        guard let id = free, let (link, names) = session.withLock({ $0 }) else { return nil }
        let record = request.record(id: id, at: clock.now(), worker: worker)
        let waiter = ClaimWaiter(record, until: begun + patience)
        state.withLock { $0.waiting[id] = waiter }
        let message = Broker.OutgoingMessage(
            exchange: names.claims, routingKey: "",
            properties: MessageProperties(
                contentType: "application/cloudevents+json", messageID: String(id, radix: 36), type: ClaimRecord.type, appID: "salvage"),
            body: record.encoded())
        // Not waited for: a broker under an alarm takes no publish for as long as it lasts, and whoever claims is answered in time. When it
        // fails the claim may stand there all the same.
        link.publish(message) { _ in waiter.answer(nil) }
        let found = await waiter.wait()
        guard let found else {
            let isRead = state.withLock { state in
                if state.waiting.removeValue(forKey: id) == nil { return true }
                state.abandoned[id] = .now
                return false
            }
            // It came in the very moment in which it was given up.
            if isRead { withdraw(record.claim) }
            return nil
        }
        guard let verdict = await resolved(found, request) else { return nil }
        return Claimed(
            id: id, verdict: verdict, isStale: ContinuousClock.now - begun > .milliseconds(Claim.validity.milliseconds), begun: begun)
    }

    private func resolved(_ verdict: ClaimVerdict<Int64>, _ request: ClaimRequest) async -> ClaimVerdict<ClaimRecord>? {
        switch verdict {
        case .told(let offset, _), .inRecovery(let offset), .otherForm(let offset, _), .recovered(let offset):
            guard let record = await record(at: offset) else { return nil }
            // Nobody is told another's result, whatever stands at that place.
            let claim = record.claim
            guard claim.merchantID == request.merchantID, claim.reference.orderID.hasSameCodePoints(as: request.reference.orderID)
            else { return nil }
            switch verdict {
            case .told, .otherForm: guard claim.reference.isOfSameDecline(as: request.reference) else { return nil }
            default: break
            }
            return verdict.map { _ in record }
        case .nextPost(_, let offset?):
            guard let record = await record(at: offset), record.claim.merchantID == request.merchantID,
                record.claim.reference == request.reference
            else { return nil }
            return verdict.map { _ in record }
        case .granted, .mayBeCharged, .askedTooEarly, .nextPost(_, nil): return verdict.map { _ in nil }
        }
    }

    func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { state.withLock { $0.book.claims(of: rebill) } }

    func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
        let key = Fingerprint(of: reference, merchant: merchant)
        guard let offset = state.withLock({ $0.book.first(of: key) }), let claim = await read(offset)?.claim,
            claim.reference == reference, claim.merchantID == merchant
        else { return nil }
        return claim
    }

    func record(at offset: Int64) async -> ClaimRecord? {
        guard let record = await read(offset) else { return nil }
        let key = Fingerprint(of: record.claim.reference, merchant: record.claim.merchantID)
        return record.correcting(state.withLock { $0.book.corrected(by: offset, key) })
    }

    private func read(_ offset: Int64) async -> ClaimRecord? {
        if let record = state.withLock({ $0.recent[offset] }) { return record }
        // In another stream something else stands there.
        guard state.withLock({ $0.place.trust != .lost }), let (link, names) = session.withLock({ $0 }) else { return nil }
        let found = Mutex<ClaimRecord?>(nil)
        do throws(BrokerError) {
            let reading = try await link.read(names.claims, from: .offset(offset), prefetch: 100) { entries in
                guard let entry = entries.first(where: { $0.offset == offset }) else { return }
                found.withLock { $0 = ClaimRecord.decode(entry.body) }
            }
            do throws(BrokerError) { try await reading.reach(offset) } catch {}
            await reading.end()
        } catch {
            return nil
        }
        return found.withLock { $0 }
    }

    /// Nobody waits for ever for a stream that says nothing.
    private func watch() {
        Task { [weak self] in
            while let self {
                let now = ContinuousClock.now
                let late = self.state.withLock { $0.waiting.values.filter { $0.until <= now } }
                for waiter in late { waiter.answer(nil) }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
