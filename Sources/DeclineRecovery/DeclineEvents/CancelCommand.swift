/// The CRM's order to stop a recovery (messages.md, "Cancel command").
package struct CancelCommand: Sendable, Equatable {
    package static let type = "com.salvage.cancel.v1"

    package let id: String
    package let merchantID: MerchantID
    /// When it was given, where it says so.
    package let time: Moment?
    package let target: Target

    /// What is to be cancelled: a recovery by its reference, or those of an order's rebill.
    package enum Target: Sendable, Equatable {
        case recovery(RecoveryReference)
        case rebill(orderID: String, purchaseID: String, billingCycle: Int)
    }

    package var reference: RecoveryReference? {
        if case .recovery(let reference) = target { reference } else { nil }
    }

    package var orderID: String {
        switch target {
        case .recovery(let reference): reference.orderID
        case .rebill(let order, _, _): order
        }
    }

    package var orderType: OrderType { reference?.kind.orderType ?? .recurring }

    init?(reading event: EventReader, _ faults: FaultList) {
        let id = event.text("id", 1...128)
        let data = event.object("data")
        let merchantID = data.text("merchantId", 1...64)
        var target: Target?
        if data.has("recoveryReference") {
            if let text = data.optionalText("recoveryReference", 1...RecoveryReference.longest) {
                if let reference = RecoveryReference(text) {
                    target = .recovery(reference)
                    if let merchantID, let owner = reference.merchantID, owner != MerchantID(merchantID) {
                        faults.add("\(data.path).recoveryReference", "expected a recovery of the merchant that merchantId names")
                    }
                } else {
                    faults.add(
                        "\(data.path).recoveryReference",
                        "expected a recovery reference as results name it, e.g. acme-A1B2-R7-88123-42-kzqtwmhdxp")
                }
            }
        } else {
            let order = data.text("orderId", 1...128)
            let purchase = data.text("purchaseId", 1...64)
            let cycle = data.count("billingCycle", 1...100_000)
            if let order, let purchase, let cycle { target = .rebill(orderID: order, purchaseID: purchase, billingCycle: cycle) }
        }
        guard let id, let merchantID, let target else { return nil }
        self.id = id
        self.merchantID = MerchantID(merchantID)
        time = event.lenientWord("time") { Moment(rfc3339: $0) }
        self.target = target
    }
}
