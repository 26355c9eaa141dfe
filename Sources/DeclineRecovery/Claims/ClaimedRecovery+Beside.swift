extension ClaimedRecovery {
    /// Another's request for the same recovery.
    package struct Beside: Sendable {
        /// When the recovery was claimed first: nothing of it was sent before.
        let begun: Moment?
        /// Where it was sent.
        let gateway: ClaimedGateway?
        /// It was claimed in another amount than this copy asks for now.
        let isOfAnotherAmount: Bool

        package init(begun: Moment? = nil, gateway: ClaimedGateway? = nil, isOfAnotherAmount: Bool = false) {
            self.begun = begun
            self.gateway = gateway
            self.isOfAnotherAmount = isOfAnotherAmount
        }
    }
}
