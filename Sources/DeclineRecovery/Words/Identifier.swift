/// A name that somebody else gave to a thing, typed by the thing it names, so that a merchant's id cannot stand where a gateway's belongs.
///
/// The text is opaque: it is compared and carried, never taken apart.
public struct Identifier<Named>: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    public var description: String { text }
}

extension Identifier: ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral {
    public init(stringLiteral text: String) {
        self.init(text)
    }
}

public typealias MerchantID = Identifier<Merchant>
/// A gateway of the CRM's: one configured processor account, FlexFactor's among them.
public typealias GatewayID = Identifier<Gateway>
public typealias GatewayProfileID = Identifier<GatewayProfile>
public typealias CascadeProfileID = Identifier<CascadeProfile>
public typealias CampaignID = Identifier<Campaign>
/// FlexFactor's own id of an order (`orderSessionKey`), a GUID; not the recovery reference that FlexFactor calls `orderId` in requests.
public typealias FlexFactorOrderID = Identifier<FlexFactorOrder>
