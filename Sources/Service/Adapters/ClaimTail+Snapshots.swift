import Broker
import DeclineRecovery
import Logging
import Synchronization

/// What the claims come to: read by who begins, and written down from time to time.
extension ClaimTail {
    /// Asks for the newest snapshot until the broker says what there is. Where that is of another stream, waits for a person to decide.
    ///
    /// - Parameter onLoss: told why nobody can begin.
    /// - Returns: `nil` when the order to stop comes first.
    func snapshot(
        _ link: BrokerLink, _ names: TopologyNames, until stop: StopSignal, onLoss: (String) -> Void
    ) async throws(BrokerError) -> ClaimSnapshotStream.Latest? {
        var pause = Duration.seconds(1)
        var isTold = false
        while !stop.isSet {
            do throws(BrokerError) {
                let latest = try await ClaimSnapshotStream(link: link, names: names).latest(at: clock.now())
                guard case .ofAnotherStream = latest else { return latest }
                if !isTold { tellLoss(names) }
                isTold = true
                onLoss(Self.loss(of: names))
                await stop.wait(atMost: .seconds(5))
            } catch {
                if error == .closed { throw error }
                // There may be the sign that another stream stands in the place of the claims.
                logger?.warning(
                    "The snapshots of the claims cannot be asked for; nothing is charged until they can",
                    metadata: [
                        LogKey.queue: "\(names.claimSnapshots)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)",
                    ])
                onLoss("\(names.claimSnapshots) cannot be asked for, and nothing is charged until it can: \(error)")
                await stop.wait(atMost: pause)
                pause = min(pause * 2, .seconds(30))
            }
        }
        return nil
    }

    /// The mark that stands in the place of a claim, if it is one. What else of ours cannot be read is of a later version.
    static func mark(_ entry: StreamEntry, _ turns: inout ClaimSnapshotTurns) -> Claim.ID? {
        if entry.properties.type == ClaimSnapshotMark.type { return ClaimSnapshotMark.decode(entry.body)?.id }
        if entry.properties.type?.hasPrefix("com.salvage.") == true { turns.isBlind = true }
        return nil
    }

    func markWhereDue() {
        let due: Claim.ID? = state.withLock { state in
            guard state.place.trust == .same else { return nil }
            let id = state.newID()
            return state.turns.isDue(at: state.place.offset, by: id) ? id : nil
        }
        guard let id = due, let (link, names) = session.withLock({ $0 }) else { return }
        let mark = ClaimSnapshotMark(id: id, at: clock.now(), worker: worker)
        let message = Broker.OutgoingMessage(event: mark.encoded(), ClaimSnapshotMark.type, to: names.claims)
        // One that does not arrive is made again.
        link.publish(message) { _ in }
    }

    func write(_ snapshot: ClaimSnapshot) {
        guard let (link, names) = session.withLock({ $0 }) else { return }
        Task { [weak self] in
            let begun = ContinuousClock.now
            let outcome = await ClaimSnapshotStream(link: link, names: names).write(snapshot)
            let took = ContinuousClock.now - begun
            guard let self else { return }
            self.state.withLock { $0.turns.ended(outcome) }
            switch outcome {
            case .written:
                self.logger?.info(
                    "A snapshot of the claims is written",
                    metadata: [
                        LogKey.count: "\(snapshot.count)",
                        LogKey.milliseconds: "\(Moment.Span(took).milliseconds)",
                    ])
            case .impossible:
                self.logger?.notice(
                    "No snapshots of the claims can be written here",
                    metadata: [
                        LogKey.advice:
                            "Starts read all claims, which takes longer the more there are. `salvage topology apply` makes the stream; give the worker its rights anew (`salvage topology print --permissions`)."
                    ])
            case .closed: break
            case .failed: self.logger?.notice("A snapshot of the claims was not finished; the next will be")
            }
        }
    }
}
