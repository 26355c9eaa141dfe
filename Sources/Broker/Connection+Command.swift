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

    /// Ends a command that came after the close.
    func refuse(_ command: Command) {
        switch command {
        case .publish(let batch): batch.failAll(.closed)
        case .settle, .breakOff: break
        case .subscribe(_, let done): done(.failure(.closed))
        case .cancel(_, let done): done()
        case .perform(let work): work(.failure(.closed))
        case .close(let done): done()
        }
    }
}
