import Broker
import DeclineRecovery
import FoundationEssentials
import Logging
import Pipeline
import Synchronization

/// Follows the stream of cancel commands, so that every stage of this process knows them.
///
/// The stream keeps them for longer than the letters live, and is read from its beginning: a few bytes for each command.
final class CancelTail: CancelDirectory {
    private let known = Mutex(CancelBook())

    func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool {
        known.withLock { $0.isCancelRequested(reference, of: merchant, declinedAt: declinedAt) }
    }

    private let probes = Mutex<[CancelNotice: StopSignal]>([:])

    /// Begins to follow, and returns when all that stands there now is known, without writing anything.
    func catchUp(_ link: BrokerLink, _ names: TopologyNames) async throws(BrokerError) {
        let reading = try await begin(link, names)
        guard let end = try await link.lastOffset(of: names.cancels) else { return }
        try await reading.reach(end, patience: 30)
    }

    private func begin(_ link: BrokerLink, _ names: TopologyNames) async throws(BrokerError) -> StreamReading {
        try await link.read(names.cancels, from: .first) { [self] entries in
            let notices = entries.compactMap { CancelNotice.decode($0.body) }
            known.withLock { known in for notice in notices { known.take(notice) } }
            probes.withLock { probes in for notice in notices { probes[notice]?.set() } }
        }
    }

    /// Begins to follow, and returns when all that was announced before is known: when a notice of our own comes by. Returns as well
    /// when the order to stop comes first.
    func follow(_ link: BrokerLink, _ names: TopologyNames, until stop: StopSignal) async throws {
        let caughtUp = StopSignal()
        let probe = CancelNotice(merchantID: "", reference: RecoveryReference(orderID: UUID().uuidString, kind: .rerun, sequence: 0))
        probes.withLock { $0[probe] = caughtUp }
        _ = try await begin(link, names)
        let notice = StageMessage(
            to: .cancels, messageID: probe.reference.text + "/cancel", type: CancelNotice.type, traceparent: nil, body: probe.encoded())
        while !stop.isSet, !caughtUp.isSet {
            // A connection that is lost meanwhile brings the next try. Under an alarm of the broker's it waits for as long as that lasts.
            _ = await stop.unlessSet { try? await link.publish([notice.brokerMessage(names, now: SystemClock().now())]) }
            await caughtUp.wait(atMost: .seconds(2))
        }
        probes.withLock { $0[probe] = nil }
    }
}
