import Broker
import DeclineRecovery
import Logging
import Operations
import Pipeline
import Synchronization

/// Follows the dead letters in a worker, so that those of faulty events are resolved when the CRM's mended events come through.
///
/// Nothing waits for it: what came through before its letter is heard of is remembered, at the start until all letters were read.
final class LetterTail: MendDirectory {
    private let book = Mutex(MendBook(isCaughtUp: false))
    private let lastOffset = Mutex<Int64>(-1)
    private let workerID: String
    private let logger: Logger

    /// Events that are older are rejected, so an older letter is mended by none; clocks differ.
    private let memory: Moment.Span

    init(oldestDecline: Moment.Span, workerID: String, logger: Logger) {
        memory = oldestDecline + .days(1)
        self.workerID = workerID
        self.logger = logger
    }

    func passed(_ event: DeclineEvent, as reference: RecoveryReference, trace: UUID5?, at now: Moment) -> [UUID5] {
        book.withLock { $0.passed(event, as: reference, trace: trace, at: now) }
    }

    func follow(_ link: BrokerLink, _ names: TopologyNames) async {
        let since = (SystemClock().now().milliseconds - memory.milliseconds) / 1_000
        do throws(BrokerError) {
            let reading = try await link.read(names.dead, from: .time(UInt64(max(since, 0)))) { [self] entries in
                for entry in entries { take(entry, link, names) }
            }
            Task { await catchUp(reading, link, names) }
        } catch {
            // Letters are then seen to by people, as ever; that is no reason not to work.
            logger.warning(
                "Letters that the CRM mends will not resolve themselves: the dead letters cannot be read",
                metadata: [
                    LogKey.error: "\(error)", LogKey.advice: "\(error.advice)",
                ])
        }
    }

    private func catchUp(_ reading: StreamReading, _ link: BrokerLink, _ names: TopologyNames) async {
        // What does not come in time comes later, and is dealt with by itself.
        if let end = try? await link.lastOffset(of: names.dead) { try? await reading.reach(end, patience: 30) }
        for (letter, reference) in book.withLock({ $0.caughtUp() }) { resolve(letter, by: reference, link, names) }
    }

    private func take(_ entry: StreamEntry, _ link: BrokerLink, _ names: TopologyNames) {
        let isOfAnotherStream = lastOffset.withLock { last in
            defer { last = entry.offset }
            return entry.offset <= last
        }
        if isOfAnotherStream { book.withLock { $0 = MendBook() } }
        switch LetterStore.read(StreamMessage(entry)) {
        case .record(let record): book.withLock { $0.take(record) }
        case .letter(let letter):
            guard let reference = book.withLock({ $0.take(letter) }) else { return }
            resolve(letter.id, by: reference, link, names)
        case nil: break
        }
    }

    private func resolve(_ letter: UUID5, by reference: RecoveryReference, _ link: BrokerLink, _ names: TopologyNames) {
        let now = SystemClock().now()
        let message = StageMessage.resolving([letter], by: reference, worker: workerID, at: now).brokerMessage(names, now: now)
        Task {
            // Held where there is no connection, until there is one.
            try? await link.publish([message])
        }
    }
}
