/// What FlexFactor gave a merchant for one gateway (behaviour.md §2; facts/flexfactor-api.md §2), and how to use it.
package struct GatewayCredentials: Sendable, Hashable {
    package let appKey: Secret
    package let appSecret: Secret
    /// A GUID.
    package let mid: String
    /// A GUID; needed only where a MID has several sites.
    package let siteID: String?
    /// The tokenization key; needed only to tokenize cards.
    package let environmentKey: Secret?
    /// The first signs; each of them verifies. Requests go unsigned without any.
    package let signingKeys: [HMACSigningKey]
    package let origin: Origin
    /// Calls per second of this process; `nil` for no limit.
    package let maxRequestsPerSecond: Double?
    /// The authorities to trust instead of the system's.
    package let authorities: TrustedAuthorities?

    package init(
        appKey: Secret, appSecret: Secret, mid: String, siteID: String? = nil, environmentKey: Secret? = nil,
        signingKeys: [HMACSigningKey] = [], origin: Origin, maxRequestsPerSecond: Double? = nil, authorities: TrustedAuthorities? = nil
    ) {
        self.appKey = appKey
        self.appSecret = appSecret
        self.mid = mid
        self.siteID = siteID
        self.environmentKey = environmentKey
        self.signingKeys = signingKeys
        self.origin = origin
        self.maxRequestsPerSecond = maxRequestsPerSecond
        self.authorities = authorities
    }
}
