package import DeclineRecovery

/// A gateway and whose it is.
package struct GatewayName: Hashable, Comparable, Sendable {
    package let merchantID: MerchantID
    package let gatewayID: GatewayID

    /// For people.
    var words: String { "gateway \(gatewayID) of merchant \(merchantID)" }

    package static func < (left: GatewayName, right: GatewayName) -> Bool {
        (left.merchantID.text, left.gatewayID.text) < (right.merchantID.text, right.gatewayID.text)
    }
}

extension WorkerPulse.Circuit {
    var gateway: GatewayName { GatewayName(merchantID: merchantID, gatewayID: gatewayID) }
}
