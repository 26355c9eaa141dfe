/// Why a decline is not salvaged (behaviour.md §4). A skip is a result, not an error: the CRM goes on with its own rules.
package enum SkipReason: String, Sendable, CaseIterable {
    case notAnInitialSale = "not_an_initial_sale"
    case hardDecline = "hard_decline"
    /// Another charge could be the second: whoever made the first looks it up before anybody tries again.
    case firstChargeUnknown = "first_charge_unknown"
    case singleTransaction = "single_transaction"
    case noCascade = "no_cascade"
    case insufficientFunds = "insufficient_funds"
    case ipAddressRequired = "ip_address_required"
    case deadlinePassed = "deadline_passed"
    case rerunOnProfile = "rerun_on_profile"
    case notFlexFactor = "not_flexfactor"
    case notRecycledHere = "not_recycled_here"
    case networkWait = "network_wait"
    case networkLimit = "network_limit"
    case flexFactorUnavailable = "flexfactor_unavailable"
    case gatewayMisconfigured = "gateway_misconfigured"
    /// An operator has paused the merchant or its gateway.
    case paused
    /// Another recovery of the same debt is open. The CRM waits for that one.
    case inRecovery = "in_recovery"
    /// Another recovery of the same debt was paid.
    case alreadyRecovered = "already_recovered"

    package var sentence: String {
        switch self {
        case .notAnInitialSale: "Cascades are for initial sales; a rebill is recovered by its re-attempts."
        case .hardDecline: "The decline is hard; only soft declines are salvaged."
        case .firstChargeUnknown:
            "Nobody knows what became of the first charge, which may stand: look it up at the gateway before charging again."
        case .singleTransaction: "The campaign charges in a single transaction, which cannot cascade."
        case .noCascade: "No cascade with a FlexFactor gateway belongs to the gateway or profile that declined."
        case .insufficientFunds: "Declines for insufficient funds do not cascade here."
        case .ipAddressRequired: "The order has no valid IPv4 or IPv6 address of the customer."
        case .deadlinePassed: "The time for an instant answer is over, and FlexFactor has no order for this decline."
        case .rerunOnProfile: "The rerun was started on an ATRI gateway profile; choose the FlexFactor gateway directly."
        case .notFlexFactor: "The rerun was started on a gateway that is not a FlexFactor gateway."
        case .notRecycledHere: "Recycle billing gives this re-attempt to no FlexFactor gateway."
        case .networkWait: "The card network asks to wait longer than the gateway's expiryDays allow."
        case .networkLimit: "The card network allows no further rerun of this sale."
        case .flexFactorUnavailable: "FlexFactor could not be reached, and nothing was sent to it."
        case .gatewayMisconfigured:
            "The gateway's keys are missing or refused by FlexFactor, so nothing was charged; its configuration must be mended."
        case .paused: "Recoveries are paused here at the moment, by whoever runs Salvage; nothing was sent to FlexFactor."
        case .inRecovery: "The same debt is being recovered already: the result of that recovery decides. Charge it nowhere else."
        case .alreadyRecovered: "The same debt was paid by another recovery. Charge it nowhere else."
        }
    }
}
