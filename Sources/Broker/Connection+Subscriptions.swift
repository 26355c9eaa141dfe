/// Subscribing anew: after a connection was lost, a queue was deleted, or a stream was made anew.
extension Connection {
    /// How long a queue that is refused is left alone, in milliseconds.
    private static let absence: Int64 = 2_000

    /// Subscribes again; `false` where the broker refuses the queue, for it was deleted perhaps. That must not keep the others from theirs.
    func subscribe(_ consumer: Consumer, _ session: Session) throws(BrokerError) -> Bool {
        do throws(BrokerError) {
            try refuseOtherKind(consumer, session)
            try session.subscribe(consumer)
            do throws(BrokerError) {
                // Another may have come between the question and the subscription. What that handed over goes back with its channel.
                try refuseOtherKind(consumer, session)
            } catch {
                try session.leave(consumer)
                throw error
            }
            if consumer.noteStanding() {
                events(.subscriptionRestored(queue: consumer.queue))
                session.handOut()
            }
            watchResumption(of: consumer)
            return true
        } catch {
            try leaveAlone(consumer, error)
            return false
        }
    }

    private func refuseOtherKind(_ consumer: Consumer, _ session: Session) throws(BrokerError) {
        guard consumer.isInDoubt, let expected = consumer.kind, let found = try session.kind(of: consumer.queue), found != expected.rawValue
        else { return }
        throw .refused(code: 406, text: TopologyDifference.otherKind(queue: consumer.queue, found: found, expected: expected).description)
    }

    /// Tries a queue that the broker refuses again later. Any other error is the session's.
    private func leaveAlone(_ consumer: Consumer, _ error: BrokerError) throws(BrokerError) {
        guard case .refused(let code, _) = error, code != ReplyCode.connectionForced else { throw error }
        events(.subscriptionFailed(queue: consumer.queue, error))
        consumer.noteGone()
        absent.append((consumer, monotonicMilliseconds() + Self.absence))
    }

    /// Subscribes anew where nothing was heard for long: the queue may be another one than was subscribed to. Streams have a sign of their own
    /// for that (`restartReadings`).
    func renewQuiet(_ session: Session) throws(BrokerError) {
        let heardBefore = monotonicMilliseconds() - renewsQuietAfter
        for subscription in session.subscriptions.values
        where subscription.lastHeard <= heardBefore && subscription.ledger.outstanding == 0 && consumes(subscription.consumer) {
            let consumer = subscription.consumer
            var isAnother = false
            do throws(BrokerError) {
                isAnother = try session.depth(of: consumer.queue).consumers == 0
            } catch .refused(let code, _) where code != ReplyCode.connectionForced {
                // No right to look, or no queue: subscribing tells.
            }
            // Something may have come while it was asked.
            guard subscription.ledger.outstanding == 0 else { continue }
            // It is another queue then, and perhaps of another kind.
            if isAnother { consumer.noteGone() }
            try session.leave(consumer)
            _ = try subscribe(consumer, session)
        }
    }

    /// What goes on behind a message that was read must show that one soon.
    func watchResumption(of consumer: Consumer) {
        guard let resumption = consumer.resumption, resumption.state != .reading else { return }
        resuming.append((consumer, resumption, monotonicMilliseconds() + Self.silence))
    }

    /// How long a stream may say nothing of what was read last, in milliseconds, until it counts as another one.
    private static let silence: Int64 = 5_000

    /// Begins anew with the streams that are not the ones that were read.
    func restartReadings(_ session: Session) throws(BrokerError) {
        if resuming.isEmpty { return }
        let now = monotonicMilliseconds()
        var others: [Consumer] = []
        resuming.removeAll { entry in
            switch entry.resumption.state {
            case .reading: return true
            case .pending where now < entry.until: return false
            case .pending, .anew:
                others.append(entry.consumer)
                return true
            }
        }
        for consumer in others {
            try session.cancel(consumer)
            consumer.resumption?.restart()
            _ = try subscribe(consumer, session)
        }
    }

    func subscribeAbsent(_ session: Session) throws(BrokerError) {
        if absent.isEmpty { return }
        let now = monotonicMilliseconds()
        let due = absent.filter { $0.notBefore <= now }
        absent.removeAll { $0.notBefore <= now }
        for (consumer, _) in due { _ = try subscribe(consumer, session) }
    }
}
