/// What is to be paid: a charge of the CRM's, whatever the ways in which it is tried. A cascade, its reruns and its re-attempts are one debt.
///
/// The amount is no part of it; of two first tries it says whether they are of one charge (`ClaimBook`). Two debts are compared by their fingerprints, byte by byte, and in no other way.
package struct Debt: Sendable {
    package let merchantID: MerchantID
    package let orderID: String
    package let purchaseID: String?
    package let billingCycle: Int?
    /// The CRM's name of a charge of its own within the order, such as an upsell.
    package let chargeID: String?

    package init(merchantID: MerchantID, orderID: String, purchaseID: String?, billingCycle: Int?, chargeID: String?) {
        self.merchantID = merchantID
        self.orderID = orderID
        self.purchaseID = purchaseID
        self.billingCycle = billingCycle
        self.chargeID = chargeID
    }

    package init(_ order: RecoveredOrder, of merchantID: MerchantID) {
        self.init(
            merchantID: merchantID, orderID: order.id, purchaseID: order.purchaseID, billingCycle: order.billingCycle,
            chargeID: order.chargeID)
    }

    /// The same without its charge: what a cancel command by order, purchase and cycle names.
    package var rebill: Debt {
        Debt(merchantID: merchantID, orderID: orderID, purchaseID: purchaseID, billingCycle: billingCycle, chargeID: nil)
    }
}
