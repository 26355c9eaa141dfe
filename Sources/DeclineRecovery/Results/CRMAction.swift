/// What the CRM is to do about a result (behaviour.md §7), as fields that a program can act on.
package struct CRMAction: Sendable, Equatable {
    package let name: Name
    let orderStatus: OrderStatus
    let processFulfilments: Bool
    package let subscription: SubscriptionStep
    let nextBilling: NextBilling?

    /// The action in one word, for a `switch`.
    package enum Name: String, Sendable, CaseIterable {
        case completeOrder = "complete_order"
        case declineOrder = "decline_order"
        case leaveOrder = "leave_order"
        case advanceSubscription = "advance_subscription"
        case failRecycle = "fail_recycle"
        /// FlexFactor is at work: leave the order pending and retry nothing.
        case awaitResult = "await_result"
        /// The money went back: apply the CRM's own rules for refunds and chargebacks.
        case reverseSale = "reverse_sale"
        /// A part of the money went back, and the sale stands: note it.
        case recordRefund = "record_refund"
        /// Nothing was tried: the CRM goes on with its own rules.
        case followOwnRules = "follow_own_rules"
        /// The first charge may stand: look it up at the gateway that declined, and charge nothing before it is known.
        case lookUpFirstCharge = "look_up_first_charge"
        /// The event was unusable: mend it and publish it again.
        case correctAndResend = "correct_and_resend"
    }

    package enum OrderStatus: String, Sendable, CaseIterable {
        case complete, declined, unchanged
    }

    package enum SubscriptionStep: String, Sendable, CaseIterable {
        case advance
        case recycleFailed = "recycle_failed"
        case unchanged
    }

    /// Where and how the next rebill is charged.
    package struct NextBilling: Sendable, Equatable {
        package let gatewayID: GatewayID
        package let method: Method

        package enum Method: String, Sendable, CaseIterable {
            /// No payment token exists at that gateway: card number, and no CVV.
            case cardNumberWithoutCVV = "card_number_without_cvv"
            /// As before the decline.
            case asBefore = "as_before"
        }
    }

    private init(
        _ name: Name, orderStatus: OrderStatus = .unchanged, processFulfilments: Bool = false, subscription: SubscriptionStep = .unchanged,
        nextBilling: NextBilling? = nil
    ) {
        self.name = name
        self.orderStatus = orderStatus
        self.processFulfilments = processFulfilments
        self.subscription = subscription
        self.nextBilling = nextBilling
    }

    /// What follows from a result.
    ///
    /// - Parameter order: `nil` for an event so faulty that it names none.
    package init(after reason: ResultReason, of order: RecoveredOrder?) {
        self =
            switch reason {
            case .skipped(.inRecovery), .unresolved: .awaitResult
            // Another result of the same debt has completed it.
            case .skipped(.alreadyRecovered): CRMAction(.leaveOrder)
            case .skipped(.firstChargeUnknown): .lookUpFirstCharge
            default: CRMAction(after: reason.kind, of: order)
            }
    }

    package init(after kind: ResultKind, of order: RecoveredOrder?) {
        self =
            switch (kind, order) {
            case (.rejected, _): .correctAndResend
            case (.approved, let order?): .success(of: order)
            case (.declined, let order?), (.expired, let order?), (.cancelled, let order?): .failure(of: order)
            case (.submitted, _): .awaitResult
            case (.refunded, _), (.chargeback, _): .reverseSale
            case (.nothingToCancel, _), (.refundFailed, _): CRMAction(.leaveOrder)
            default: .followOwnRules
            }
    }

    static let followOwnRules = CRMAction(.followOwnRules)
    static let recordRefund = CRMAction(.recordRefund)
    static let lookUpFirstCharge = CRMAction(.lookUpFirstCharge)
    static let awaitResult = CRMAction(.awaitResult)
    static let reverseSale = CRMAction(.reverseSale)
    static let correctAndResend = CRMAction(.correctAndResend)

    /// FlexFactor took the money.
    package static func success(of order: RecoveredOrder) -> CRMAction {
        switch order.type {
        case .newSale:
            CRMAction(
                .completeOrder, orderStatus: .complete, processFulfilments: true,
                nextBilling: order.hasRecurringProducts
                    ? NextBilling(gatewayID: order.declinedGatewayID, method: .cardNumberWithoutCVV) : nil)
        case .recurring:
            CRMAction(
                .advanceSubscription, processFulfilments: true, subscription: .advance,
                nextBilling: NextBilling(gatewayID: order.declinedGatewayID, method: .asBefore))
        }
    }

    /// It is known that FlexFactor did not take the money and will not.
    package static func failure(of order: RecoveredOrder) -> CRMAction {
        switch order.type {
        case .newSale where order.trialCompletion: CRMAction(.leaveOrder)
        case .newSale: CRMAction(.declineOrder, orderStatus: .declined)
        case .recurring: CRMAction(.failRecycle, subscription: .recycleFailed)
        }
    }
}
