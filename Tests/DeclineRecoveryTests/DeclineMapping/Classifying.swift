@testable import DeclineRecovery

/// What a decline of few words is taken for.
func classify(
    _ source: String = "nobody", _ code: String = "", text: String? = nil, network: String? = nil, advice: String? = nil,
    brand: CardNetwork? = nil,
    crm: DeclineClass? = nil, rules: [MappingRule] = [], policy: Policy = Policy(), _ type: OrderType = .newSale, isCascade: Bool? = nil
) -> Classification {
    let decline = Decline(
        gatewayID: "7", responseCodeSource: source, responseCode: code, responseText: text, merchantAdviceCode: advice,
        networkCode: network,
        transactionID: "T", crmClass: crm)
    let question = DeclineCase(decline: decline, orderType: type, isCascade: isCascade ?? (type == .newSale), network: brand)
    return DeclineMapping.classify(
        question, merchant: Merchant(id: "acme", flexFactorGateways: [], mappingRules: rules, policy: policy))
}

/// Whether the network forbids to try again.
func isOrder(_ classification: Classification) -> Bool {
    if case .networkOrder = classification.reason { classification.declineClass == .hard } else { false }
}
