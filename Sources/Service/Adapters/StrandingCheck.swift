package import Broker
package import DeclineRecovery

/// What a configuration would do to the recoveries that are open, before it is in force.
package enum StrandingCheck {
    /// - Returns: the open recoveries that would have no gateway.
    package static func run(_ configuration: SalvageConfiguration, on link: BrokerLink, _ names: TopologyNames) async throws(BrokerError)
        -> [StrandedRecoveries]
    {
        let claims = ClaimTail(worker: "salvage config check")
        try await claims.catchUp(link, names)
        if claims.loss != nil { throw .anotherStream(names.claims) }
        return claims.stranded { configuration.merchants[$0] }
    }
}
