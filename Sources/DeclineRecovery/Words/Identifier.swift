/// A name that somebody else gave to a thing, typed by the thing it names, so that a merchant's id cannot stand where a gateway's belongs.
///
/// The text is opaque: it is compared and carried, never taken apart.
package struct Identifier<Named>: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }
}

extension Identifier: ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral {
    package init(stringLiteral text: String) {
        self.init(text)
    }
}

package typealias MerchantID = Identifier<Merchant>
/// A gateway of the CRM's: one configured processor account, FlexFactor's among them.
package typealias GatewayID = Identifier<Gateway>
package typealias GatewayProfileID = Identifier<GatewayProfile>
package typealias CascadeProfileID = Identifier<CascadeProfile>
package typealias CampaignID = Identifier<Campaign>
/// FlexFactor's own id of an order (`orderSessionKey`), a GUID; not the recovery reference that FlexFactor calls `orderId` in requests.
package typealias FlexFactorOrderID = Identifier<FlexFactorOrder>

extension FlexFactorOrderID {
    /// FlexFactor's ids are GUIDs, whose letters have no case.
    package func isSame(as other: FlexFactorOrderID) -> Bool { text.lowercased() == other.text.lowercased() }
}
