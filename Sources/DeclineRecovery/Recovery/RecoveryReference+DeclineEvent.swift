extension RecoveryReference {
    /// The reference of the recovery that a decline asks for (messages.md, "Recovery reference").
    package convenience init(for event: DeclineEvent) {
        let order = event.order
        let isRecurring = order.type == .recurring
        let kind: Kind
        let sequence: Int?
        switch event.trigger {
        case .rerun:
            kind = isRecurring ? .recurringRerun : order.trialCompletion ? .trialCompletionRerun : .rerun
            sequence = order.rerunNumber
        case .recycle: (kind, sequence) = (.recurring, order.billingCycle)
        case .initial where isRecurring: (kind, sequence) = (.recurringCascade, order.billingCycle)
        case .initial where order.trialCompletion: (kind, sequence) = (.trialCompletion, order.billingCycle ?? order.rerunNumber)
        case .initial: (kind, sequence) = (.sale, order.rerunNumber)
        }
        // Its presence says that there is something to bill later; a purchase without an id is an empty part.
        let subscription =
            isRecurring || order.hasRecurringProducts
            ? Subscription(purchaseID: order.purchaseID ?? "", gatewayID: event.decline.gatewayID) : nil
        self.init(DeclineIdentity(event), orderID: order.id, kind: kind, sequence: sequence ?? 0, subscription: subscription)
    }
}

extension Recovery {
    /// What a cancel command by order, purchase and cycle calls a retry: also a rerun, whose own name does not say the cycle.
    package var rebill: RecoveryReference? { order.rebill(of: reference) }
}

extension RecoveredOrder {
    /// What a cancel command by order, purchase and cycle calls a retry of it.
    package func rebill(of reference: RecoveryReference) -> RecoveryReference? {
        guard reference.kind.isRetry, let purchaseID, let billingCycle else { return nil }
        return RecoveryReference(
            orderID: id, kind: .recurring, sequence: billingCycle,
            subscription: RecoveryReference.Subscription(purchaseID: purchaseID, gatewayID: declinedGatewayID))
    }

    /// What the reference says of the order, for a result when only a webhook or a command is at hand. The same action follows from it as
    /// from the decline event. What is given counts before it: the claims may know more.
    package convenience init(_ reference: RecoveryReference, purchaseID: String? = nil, billingCycle: Int? = nil, chargeID: String? = nil) {
        let purchase = purchaseID ?? reference.subscription?.purchaseID
        let isOfCycle = reference.kind == .recurring || reference.kind == .recurringCascade
        self.init(
            id: reference.orderID, type: reference.kind.orderType, trialCompletion: reference.kind.isTrialCompletion,
            hasRecurringProducts: reference.kind.orderType == .newSale && reference.subscription != nil,
            purchaseID: purchase == "" ? nil : purchase,
            billingCycle: billingCycle ?? (isOfCycle ? reference.sequence : nil),
            declinedGatewayID: reference.subscription?.gatewayID ?? "", chargeID: chargeID)
    }

    /// What must be remembered beside the reference to say which charge it is: a rerun's name has no billing cycle, and no name a charge.
    ///
    /// - Returns: `nil` where the reference says all of it.
    package func beyond(_ reference: RecoveryReference) -> RecoveredOrder? {
        // Of most there is nothing to compare.
        if purchaseID == nil, billingCycle == nil, chargeID == nil { return nil }
        let known = RecoveredOrder(reference, purchaseID: purchaseID, billingCycle: billingCycle, chargeID: chargeID)
        return known == RecoveredOrder(reference) ? nil : known
    }
}
