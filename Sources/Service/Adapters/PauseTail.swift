import Broker
import DeclineRecovery
import Logging
import Pipeline
import Synchronization

/// Follows the stream of pauses, so that every stage of this process knows what is paused.
///
/// Read from its beginning: a few records, of which the last of each target counts.
final class PauseTail: PauseDirectory {
    private let known: Mutex<Pauses>
    private let isAny: Atomic<Bool>

    /// - Parameter pauses: what is known before anything is read.
    init(_ pauses: Pauses = Pauses()) {
        known = Mutex(pauses)
        isAny = Atomic(!pauses.isEmpty)
    }

    func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause? {
        if !isAny.load(ordering: .acquiring) { return nil }
        return known.withLock { $0.pause(of: merchant, through: gateway, at: now) }
    }

    func inForce(at now: Moment) -> [Pause] { known.withLock { $0.inForce(at: now) } }

    /// Begins to follow, and returns when all that stands there is known. Where there is no such stream, or it may not be read, the fleet
    /// works all the same, and it is tried again until it can be.
    func follow(_ link: BrokerLink, _ names: TopologyNames, until stop: StopSignal, _ logger: Logger) async {
        do throws(BrokerError) {
            try await begin(link, names, logger)
        } catch {
            logger.warning(
                "Nothing can be paused: the stream of pauses cannot be read",
                metadata: [
                    LogKey.queue: "\(names.pauses)", LogKey.error: "\(error)",
                    LogKey.advice: "Run `salvage topology apply`, and give the worker the rights of this version. It goes on without.",
                ])
            Task {
                while !stop.isSet {
                    await stop.wait(atMost: .seconds(30))
                    if stop.isSet { return }
                    do throws(BrokerError) {
                        try await begin(link, names, logger)
                        logger.info("The stream of pauses is followed now", metadata: [LogKey.queue: "\(names.pauses)"])
                        return
                    } catch { continue }
                }
            }
        }
    }

    private func begin(_ link: BrokerLink, _ names: TopologyNames, _ logger: Logger) async throws(BrokerError) {
        let reading = try await link.read(names.pauses, from: .first) { [self] entries in
            let isEmpty = known.withLock { known in
                for entry in entries { known.take(entry.body) }
                return known.isEmpty
            }
            isAny.store(!isEmpty, ordering: .releasing)
        }
        let end: Int64?
        do throws(BrokerError) {
            end = try await link.lastOffset(of: names.pauses)
        } catch {
            // It is begun anew, and two that read would not know each other's records for repeats.
            await reading.end()
            throw error
        }
        guard let end else { return }
        do throws(BrokerError) {
            try await reading.reach(end)
        } catch {
            logger.warning(
                "Pauses are not read in time; what is paused is heeded as soon as it is heard of",
                metadata: [LogKey.queue: "\(names.pauses)", LogKey.error: "\(error)", LogKey.advice: "Look at the broker."])
        }
    }
}
