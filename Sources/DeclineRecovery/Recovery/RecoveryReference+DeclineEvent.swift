extension RecoveryReference {
    /// The reference of the recovery that a decline asks for (messages.md, "Recovery reference").
    public init(for event: DeclineEvent) {
        let order = event.order
        let subscription = order.purchaseID.map { Subscription(purchaseID: $0, gatewayID: event.decline.gatewayID) }
        switch event.trigger {
        case .rerun:
            self.init(orderID: order.id, kind: .rerun, sequence: order.rerunNumber ?? 0, subscription: subscription)
        case .recycle:
            self.init(orderID: order.id, kind: .recurring, sequence: order.billingCycle ?? 0, subscription: subscription)
        case .initial where order.type == .recurring:
            self.init(orderID: order.id, kind: .recurring, sequence: order.billingCycle ?? 0, subscription: subscription)
        case .initial where order.trialCompletion:
            self.init(
                orderID: order.id, kind: .trialCompletion, sequence: order.billingCycle ?? order.rerunNumber ?? 0, subscription: subscription)
        case .initial:
            self.init(orderID: order.id, kind: .sale, sequence: order.rerunNumber ?? 0, subscription: subscription)
        }
    }
}
