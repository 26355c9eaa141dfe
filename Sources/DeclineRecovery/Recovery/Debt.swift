/// What is to be paid: a charge of the CRM's, whatever the ways in which it is tried. A cascade, its reruns and its re-attempts are one debt.
///
/// The amount is no part of it; it is compared.
public struct Debt: Hashable, Sendable {
    public let merchantID: MerchantID
    public let orderID: String
    public let purchaseID: String?
    public let billingCycle: Int?
    /// The CRM's name of a charge of its own within the order, such as an upsell.
    public let chargeID: String?

    public init(merchantID: MerchantID, orderID: String, purchaseID: String?, billingCycle: Int?, chargeID: String?) {
        self.merchantID = merchantID
        self.orderID = orderID
        self.purchaseID = purchaseID
        self.billingCycle = billingCycle
        self.chargeID = chargeID
    }

    public init(_ order: RecoveredOrder, of merchantID: MerchantID) {
        self.init(
            merchantID: merchantID, orderID: order.id, purchaseID: order.purchaseID, billingCycle: order.billingCycle,
            chargeID: order.chargeID)
    }
}
