/// The way of a decline.
package enum Route: Sendable, Equatable {
    case cascade(FlexFactorGateway)
    case retry(FlexFactorGateway)
    case skip(SkipReason)
}

/// Decides the way of a decline (behaviour.md §4). The rules stand in their order; the first that speaks decides.
package enum Router {
    /// - Parameter now: `nil` where the cascade deadline shall not be judged, because FlexFactor is asked about it later.
    package static func route(_ event: DeclineEvent, _ classification: Classification, merchant: Merchant, now: Moment?) -> Route {
        switch event.trigger {
        case .initial: initial(event, classification, merchant, now)
        case .rerun(let target): rerun(target, event, classification, merchant)
        case .recycle(let reattempt): recycle(reattempt, event, classification, merchant)
        }
    }

    private static func initial(_ event: DeclineEvent, _ classification: Classification, _ merchant: Merchant, _ now: Moment?) -> Route {
        if event.order.type != .newSale { return .skip(.notAnInitialSale) }
        if let reason = refusal(classification) { return .skip(reason) }
        if let campaign = event.order.campaignID.flatMap({ merchant.campaigns[$0] }), campaign.singleTransaction {
            return .skip(.singleTransaction)
        }
        let cascadesAll = merchant.flexFactorGateways.values.first { $0.cascadeAll && !$0.isRetired }
        guard let gateway = cascadesAll ?? cascadeTarget(of: event.decline, merchant) else { return .skip(.noCascade) }
        if classification.isInsufficientFunds {
            let isIncluded =
                switch merchant.policy.insufficientFunds {
                case .byRoute: cascadesAll != nil
                case .include: true
                case .exclude: false
                }
            if !isIncluded { return .skip(.insufficientFunds) }
        }
        // The end of a trial is billed without the customer, from nowhere.
        if !event.order.trialCompletion {
            guard let address = event.order.ipAddress, IPAddress.isValid(address) else { return .skip(.ipAddressRequired) }
        }
        if let now, now >= event.declinedAt + merchant.policy.cascadeDeadline { return .skip(.deadlinePassed) }
        return .cascade(gateway)
    }

    /// Why no way leads on from a decline of this class.
    private static func refusal(_ classification: Classification) -> SkipReason? {
        if classification.declineClass == .soft { return nil }
        return classification.isOutcomeUnknown ? .firstChargeUnknown : .hardDecline
    }

    /// The FlexFactor gateway of the cascade that follows the gateway profile the order ran on, else of the gateway's direct cascade.
    private static func cascadeTarget(of decline: Decline, _ merchant: Merchant) -> FlexFactorGateway? {
        let profile = decline.gatewayProfileID.flatMap { merchant.gatewayProfiles[$0] }
        let cascade = profile?.cascade ?? merchant.gateways[decline.gatewayID]?.directCascade
        let members = cascade.flatMap { merchant.cascadeProfiles[$0] }?.members ?? []
        return members.lazy.compactMap { merchant.flexFactorGateways[$0] }.first { !$0.isRetired }
    }

    private static func rerun(
        _ target: Trigger.RerunTarget, _ event: DeclineEvent, _ classification: Classification, _ merchant: Merchant
    ) -> Route {
        switch target {
        case .gatewayProfile: return .skip(.rerunOnProfile)
        case .gateway(let id):
            guard let gateway = merchant.flexFactorGateways[id], !gateway.isRetired else { return .skip(.notFlexFactor) }
            if let ceiling = NetworkRules.ceiling(ofBrand: event.paymentMethod.brand), event.order.rerunNumber ?? 0 > ceiling {
                return .skip(.networkLimit)
            }
            return retry(gateway, event, classification)
        }
    }

    private static func retry(_ gateway: FlexFactorGateway, _ event: DeclineEvent, _ classification: Classification) -> Route {
        if let reason = refusal(classification) { return .skip(reason) }
        // In managed mode FlexFactor gets the advice code and waits by itself.
        if gateway.mitMode == .sync, let wait = NetworkRules.wait(after: event.decline, brand: event.paymentMethod.brand),
            wait >= .days(Int64(gateway.expiryDays))
        {
            return .skip(.networkWait)
        }
        return .retry(gateway)
    }

    private static func recycle(_ reattempt: Int, _ event: DeclineEvent, _ classification: Classification, _ merchant: Merchant) -> Route {
        guard let gateway = merchant.recycleBilling.gateway(forReattempt: reattempt).flatMap({ merchant.flexFactorGateways[$0] }),
            !gateway.isRetired
        else {
            return .skip(.notRecycledHere)
        }
        return retry(gateway, event, classification)
    }
}
