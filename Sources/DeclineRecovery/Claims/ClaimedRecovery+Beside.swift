extension ClaimedRecovery {
    /// Another's request for the same recovery.
    package struct Beside: Sendable {
        /// When the recovery was claimed first: nothing of it was sent before.
        let begun: Moment?
        /// Where it was sent.
        let gateway: ClaimedGateway?

        package init(begun: Moment? = nil, gateway: ClaimedGateway? = nil) {
            self.begun = begun
            self.gateway = gateway
        }
    }
}
