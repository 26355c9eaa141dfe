import Broker
import DeclineRecovery
import FoundationEssentials
import Logging
import Pipeline
import Synchronization

/// Follows the stream of cancel commands, so that every stage of this process knows them.
///
/// The stream keeps as much as a retry can live, and is read from its beginning: a few bytes for each command of a month.
final class CancelTail: CancelDirectory {
    private let known = Mutex<Set<CancelNotice>>([])

    func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID) -> Bool {
        known.withLock { $0.contains(CancelNotice(merchantID: merchant, reference: reference)) }
    }

    /// Begins to follow, and returns when all that was announced before is known: when a notice of our own comes by. Returns as well
    /// when the order to stop comes first.
    func follow(_ link: BrokerLink, _ names: TopologyNames, until stop: StopSignal) async throws {
        let caughtUp = StopSignal()
        let probe = CancelNotice(merchantID: "", reference: RecoveryReference(orderID: UUID().uuidString, kind: .rerun, sequence: 0))
        _ = try await link.consume(names.cancels, prefetch: 1_000, arguments: ["x-stream-offset": "first"]) { [self] batch in
            known.withLock { known in
                for delivery in batch {
                    guard let notice = CancelNotice.decode(delivery.body) else { continue }
                    if notice == probe { caughtUp.set() } else { known.insert(notice) }
                }
            }
            // Nothing replaces what was only read.
            for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
        }
        let notice = Pipeline.OutgoingMessage(
            to: .cancels, messageID: probe.reference.text + "/cancel", type: CancelNotice.type, traceparent: nil, body: probe.encoded())
        while !stop.isSet, !caughtUp.isSet {
            // A connection that is lost meanwhile brings the next try.
            try? await link.publish([notice.brokerMessage(names, now: SystemClock().now())])
            await caughtUp.wait(atMost: .seconds(2))
        }
    }
}
