import DequeModule

/// What waits to be published, on the connection's thread.
extension Connection {
    /// Unwritten output above which publishes wait: what the broker does not read shall not pile up here.
    private static let outputLimit = 4 << 20

    func enqueue(_ batch: PublishBatch) {
        if let session = batch.session, session != sessionNumber || !isConnected { return batch.failAll(.connectionLost) }
        for index in batch.messages.indices { pending.append((batch, index)) }
    }

    /// Writes what waits, as far as the broker takes it.
    func writePending(_ session: Session) throws(BrokerError) {
        try ask(session)
        while session.blockedBecause == nil, session.out.count < Self.outputLimit, session.mayPublish,
            let (batch, index) = pending.popFirst()
        {
            if let error = session.publish(Session.PendingPublish(batch: batch, index: index)) { batch.settle(index, error) }
        }
        try giveUp(session)
    }

    // MARK: Under an alarm

    /// Where nobody waits alarms out, asks for one before anything is written; while something is on its way the broker tells it by itself.
    private func ask(_ session: Session) throws(BrokerError) {
        if configuration.alarmPatience == nil || pending.isEmpty || session.confirms.outstanding > 0 { return }
        do throws(BrokerError) {
            try session.askForAlarm()
        } catch {
            // Nor does anybody wait for a broker that goes away over the question.
            failPending(.connectionLost)
            throw error
        }
    }

    /// Milliseconds for which what waits for an alarm's end may go on waiting; `nil` where nothing does, or may for as long as it lasts.
    func alarmRest(_ session: Session) -> Int64? {
        guard let patience = configuration.alarmPatience, session.blockedBecause != nil,
            !pending.isEmpty || session.confirms.outstanding > 0
        else { return nil }
        return max(session.blockedSince + patience - monotonicMilliseconds(), 0)
    }

    /// Ends what has waited for an alarm's end for as long as it may, and the session with it: whatever the broker has not read is not to be
    /// carried out when nobody expects it any more. (It drops that once a heartbeat of its own meets a closed socket.)
    private func giveUp(_ session: Session) throws(BrokerError) {
        guard alarmRest(session) == 0, let reason = session.blockedBecause else { return }
        for entry in session.confirms.removeAll() { entry.settle(.blocked(reason: reason, isUnsent: false)) }
        failPending(.blocked(reason: reason, isUnsent: true))
        throw .blocked(reason: reason)
    }

    private func failPending(_ error: PublishError) {
        for (batch, index) in pending { batch.settle(index, error) }
        pending.removeAll()
    }

    /// Refuses what is only good for publishing, where nobody waits alarms out and there is one.
    func refuseUnderAlarm(_ session: Session) throws(BrokerError) {
        if configuration.alarmPatience == nil { return }
        try session.askForAlarm()
        if let reason = session.blockedBecause { throw .blocked(reason: reason) }
    }
}
