/// The CRM's order to give money back: it is at FlexFactor's account, and only Salvage has the keys.
package struct RefundCommand: Sendable, Equatable {
    package static let type = "com.salvage.refund.v1"

    /// Tells one refund from another of the same source: the same merchant, source and id are the same refund.
    package let id: String
    /// The event's `source`; `nil` where it has none, and in what earlier versions passed on.
    package let source: String?
    package let merchantID: MerchantID
    package let reference: RecoveryReference
    /// FlexFactor's id of the order, as the approval named it.
    package let orderID: FlexFactorOrderID?
    /// `nil` for all that is left.
    package let amount: Money?
    package let reason: String?

    package init(
        id: String, source: String? = nil, merchantID: MerchantID, reference: RecoveryReference, orderID: FlexFactorOrderID?,
        amount: Money?, reason: String?
    ) {
        self.id = id
        self.source = source
        self.merchantID = merchantID
        self.reference = reference
        self.orderID = orderID
        self.amount = amount
        self.reason = reason
    }

    init?(reading event: EventReader, _ faults: FaultList) {
        let id = event.text("id", 1...128)
        let source = event.optionalText("source", 1...256)
        let data = event.object("data")
        let merchant = data.text("merchantId", 1...64)
        let reason = data.passedText("reason")
        let order = data.optionalText("flexFactorOrderId", 1...64)
        let amount = data.optionalObject("amount").flatMap { amount -> Money? in
            let units = amount.count("minorUnits", 1...1_000_000_000_000)
            let currency = amount.parsed("currency", "the ISO 4217 code of a currency, e.g. USD") { Currency($0) }
            guard let units, let currency else { return nil }
            return Money(minorUnits: Int64(units), currency: currency)
        }
        let reference = data.text("recoveryReference", 1...RecoveryReference.longest).flatMap { text -> RecoveryReference? in
            let reference = RecoveryReference(text)
            if reference == nil { faults.add("\(data.path).recoveryReference", "expected a recovery reference as results name it") }
            return reference
        }
        if let merchant, let owner = reference?.merchantID, owner != MerchantID(merchant) {
            faults.add("\(data.path).recoveryReference", "expected a recovery of the merchant that merchantId names")
        }
        guard let id, let merchant, let reference else { return nil }
        self.init(
            id: id, source: source, merchantID: MerchantID(merchant), reference: reference, orderID: order.map(FlexFactorOrderID.init(_:)),
            amount: amount, reason: reason)
    }

    /// What ids call it: its id, and letters that are drawn from its source.
    package var name: String {
        guard let source else { return id }
        let digest = UUID5(namespace: Self.sources, name: source)
        return id.with("@", DeclineIdentity.letters(of: digest.low, count: DeclineIdentity.letterCount))
    }

    /// Ours alone.
    private static let sources = UUID5(high: 0x6d0e_42b9_7c15_4f8a, low: 0x9b37_e0d4_58c2_1a6f)
}
