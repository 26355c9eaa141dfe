extension Connection {
    /// What is asked of a connection's thread.
    enum Command: Sendable {
        case publish(PublishBatch)
        case settle(Consumer, Consumer.Settlement, UInt64)
        case subscribe(Consumer, @Sendable (Result<Void, BrokerError>) -> Void)
        case cancel(Consumer, @Sendable () -> Void)
        /// Loses the session, as a broken network would.
        case breakOff
        /// Something to do with the broker between two turns; gets nothing where there is no session.
        case perform(@Sendable (Result<Session, BrokerError>) -> Void)
        case close(@Sendable () -> Void)
    }
}
