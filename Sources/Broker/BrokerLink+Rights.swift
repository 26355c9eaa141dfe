import CRabbitMQ

extension BrokerLink {
    /// To which of some exchanges this user may not write. Nothing is published, and who may write sees nothing of it.
    ///
    /// RabbitMQ looks at the right when it reads a publish, and hands on what a transaction holds when that is committed: each exchange is published to in a
    /// transaction that is rolled back (tried with RabbitMQ 3.10 and 4.0). Each refusal stands in the broker's log.
    ///
    /// - Parameter exchanges: names; the default exchange has none.
    /// - Throws: `BrokerError.blocked` while the broker has an alarm, for it reads no publish then.
    package func unwritable(_ exchanges: [String]) async throws(BrokerError) -> [TopologyDifference] {
        if exchanges.isEmpty { return [] }
        if let reason = try await alarm() { throw .blocked(reason: reason) }
        var differences: [TopologyDifference] = []
        do throws(BrokerError) {
            for exchange in exchanges {
                let mayWrite = try await perform(on: publishing) { (session) throws(BrokerError) in try session.mayWrite(to: exchange) }
                let name = exchange.isEmpty ? Session.defaultExchange : exchange
                if !mayWrite { differences.append(.lacksRight(.write, what: "exchange", name: name)) }
            }
        } catch {
            // Its channel is still open there, and what it was asked may be answered yet.
            switch error {
            case .blocked, .timedOut: publishing.post(.breakOff)
            default: break
            }
            throw error
        }
        return differences
    }
}

extension Session {
    /// As the broker calls it where it speaks of rights.
    static let defaultExchange = "amq.default"

    /// An exchange that is not there is nobody's to write to, which is not asked here: that is no want of a right.
    fileprivate func mayWrite(to exchange: String) throws(BrokerError) -> Bool {
        if let blockedBecause { throw .blocked(reason: blockedBecause) }
        let channel = Self.lockChannel
        try openChannel(channel)
        var select = amqp_tx_select_t()
        _ = try call(channel, UInt32(AMQP_TX_SELECT_METHOD), &select, [UInt32(AMQP_TX_SELECT_OK_METHOD)], "beginning a transaction")
        var publish = amqp_basic_publish_t(
            ticket: 0, exchange: scratch.bytes(exchange), routing_key: scratch.bytes(""), mandatory: 0, immediate: 0)
        var properties = amqp_basic_properties_t()
        _ = out.content(channel, &publish, &properties, [])
        scratch.reset()
        var rollback = amqp_tx_rollback_t()
        do throws(BrokerError) {
            _ = try call(
                channel, UInt32(AMQP_TX_ROLLBACK_METHOD), &rollback, [UInt32(AMQP_TX_ROLLBACK_OK_METHOD)],
                "asking for the right to write to \(exchange)", stopsAtAlarm: true)
        } catch .refused(403, let text) {
            // A right to some routing keys alone is refused for others (`access to topic '' in exchange ...`).
            return !text.contains("access to exchange")
        } catch .refused(let code, _) where ReplyCode.isOfQuestion(code) {
            return true
        }
        try closeChannel(channel)
        return true
    }
}
