/// One merchant as the routing rules see it: FlexFactor gateways, and the CRM's routing facts beside them (behaviour.md §2).
///
/// Holds no secret: keys live in the FlexFactor module. References between the parts are checked when the configuration is read,
/// so a look-up that finds nothing here means that the event names something the configuration does not have.
///
/// An object that never changes: every decline looks it up several times.
package final class Merchant: Sendable, Equatable {
    package let id: MerchantID
    package let flexFactorGateways: [GatewayID: FlexFactorGateway]
    package let gateways: [GatewayID: Gateway]
    package let gatewayProfiles: [GatewayProfileID: GatewayProfile]
    package let cascadeProfiles: [CascadeProfileID: CascadeProfile]
    package let campaigns: [CampaignID: Campaign]
    package let recycleBilling: RecycleBilling
    /// The merchant's own decline mapping rules, in the order of the file.
    package let mappingRules: [MappingRule]
    package let policy: Policy

    package init(
        id: MerchantID, flexFactorGateways: [FlexFactorGateway], gateways: [Gateway] = [], gatewayProfiles: [GatewayProfile] = [],
        cascadeProfiles: [CascadeProfile] = [], campaigns: [Campaign] = [], recycleBilling: RecycleBilling = RecycleBilling(),
        mappingRules: [MappingRule] = [], policy: Policy = Policy()
    ) {
        self.id = id
        self.flexFactorGateways = Dictionary(flexFactorGateways.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.gateways = Dictionary(gateways.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.gatewayProfiles = Dictionary(gatewayProfiles.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.cascadeProfiles = Dictionary(cascadeProfiles.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.campaigns = Dictionary(campaigns.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.recycleBilling = recycleBilling
        self.mappingRules = mappingRules
        self.policy = policy
    }

    package static func == (one: Merchant, other: Merchant) -> Bool {
        one === other
            || one.id == other.id && one.flexFactorGateways == other.flexFactorGateways && one.gateways == other.gateways
                && one.gatewayProfiles == other.gatewayProfiles && one.cascadeProfiles == other.cascadeProfiles
                && one.campaigns == other.campaigns && one.recycleBilling == other.recycleBilling
                && one.mappingRules == other.mappingRules && one.policy == other.policy
    }

    /// The FlexFactor gateways in an order that lasts.
    package var flexFactorGatewayIDs: [GatewayID] { flexFactorGateways.keys.sorted { $0.text < $1.text } }

    /// The same merchant with another mapping, to see what it would do.
    package func mapping(by rules: [MappingRule], _ policy: Policy) -> Merchant {
        Merchant(
            id: id, flexFactorGateways: Array(flexFactorGateways.values), gateways: Array(gateways.values),
            gatewayProfiles: Array(gatewayProfiles.values),
            cascadeProfiles: Array(cascadeProfiles.values), campaigns: Array(campaigns.values), recycleBilling: recycleBilling,
            mappingRules: rules,
            policy: policy)
    }
}

/// One activated FlexFactor gateway (behaviour.md §2), without its keys.
package struct FlexFactorGateway: Sendable, Equatable {
    package let id: GatewayID
    /// 1...21 days; ignored for cascades.
    package let expiryDays: Int
    /// Takes every soft decline of an initial sale, before any cascade profile.
    package let cascadeAll: Bool
    package let includeChargebacks: Bool
    package let mitMode: MITMode
    /// FlexFactor's id of the account (MID); no secret. Several gateways may be of one account.
    package let account: String?
    /// FlexFactor's id of the site, where the account has several.
    package let siteID: String?
    /// Real money: news of test mode are none.
    package let isProduction: Bool
    /// Kept for looking and cancelling: nothing new is sent there.
    package let isRetired: Bool
    /// For reports alone; `nil` where nobody has said it, which is not the same as none.
    package let fee: FlexFactorFee?

    package init(
        id: GatewayID, expiryDays: Int = 21, cascadeAll: Bool = false, includeChargebacks: Bool = false, mitMode: MITMode = .managed,
        account: String? = nil, siteID: String? = nil, isProduction: Bool = false, isRetired: Bool = false, fee: FlexFactorFee? = nil
    ) {
        self.id = id
        self.expiryDays = expiryDays
        self.cascadeAll = cascadeAll
        self.includeChargebacks = includeChargebacks
        self.mitMode = mitMode
        self.account = account
        self.siteID = siteID
        self.isProduction = isProduction
        self.isRetired = isRetired
        self.fee = fee
    }
}

/// Who repeats a merchant-initiated charge: FlexFactor (`managed`) or Salvage (`sync`). Set per account at FlexFactor.
package enum MITMode: String, Sendable, CaseIterable {
    case managed, sync
}

/// A processor account of the merchant's other than FlexFactor.
package struct Gateway: Sendable, Equatable {
    package let id: GatewayID
    /// The gateway's type in the CRM (`nmi`, `stripe`, ...): what a mapping rule of scope `gateway` names; lower case.
    package let type: String
    package let directCascade: CascadeProfileID?

    package init(id: GatewayID, type: String, directCascade: CascadeProfileID? = nil) {
        self.id = id
        self.type = type
        self.directCascade = directCascade
    }
}

/// An ATRI gateway profile: routes initial sales over its members.
package struct GatewayProfile: Sendable, Equatable {
    package let id: GatewayProfileID
    package let members: [GatewayID]
    package let cascade: CascadeProfileID?

    package init(id: GatewayProfileID, members: [GatewayID], cascade: CascadeProfileID? = nil) {
        self.id = id
        self.members = members
        self.cascade = cascade
    }
}

/// An ATRI cascade profile: where soft-declined initial sales are tried again.
package struct CascadeProfile: Sendable, Equatable {
    package let id: CascadeProfileID
    package let members: [GatewayID]

    package init(id: CascadeProfileID, members: [GatewayID]) {
        self.id = id
        self.members = members
    }
}

package struct Campaign: Sendable, Equatable {
    package let id: CampaignID
    /// The initial order is only authorised until the upsell window ends; such a sale cannot cascade.
    package let singleTransaction: Bool

    package init(id: CampaignID, singleTransaction: Bool = false) {
        self.id = id
        self.singleTransaction = singleTransaction
    }
}

/// Which gateway re-attempts a declined rebill, per group of re-attempts. FlexFactor may serve 4-6 and 7-9 only.
package struct RecycleBilling: Sendable, Equatable {
    package let reattempts1To3: GatewayID?
    package let reattempts4To6: GatewayID?
    package let reattempts7To9: GatewayID?

    package init(reattempts1To3: GatewayID? = nil, reattempts4To6: GatewayID? = nil, reattempts7To9: GatewayID? = nil) {
        self.reattempts1To3 = reattempts1To3
        self.reattempts4To6 = reattempts4To6
        self.reattempts7To9 = reattempts7To9
    }

    /// `nil` outside 1...9 and where the group names no gateway.
    package func gateway(forReattempt reattempt: Int) -> GatewayID? {
        switch reattempt {
        case 1...3: reattempts1To3
        case 4...6: reattempts4To6
        case 7...9: reattempts7To9
        default: nil
        }
    }
}

/// One rule of a merchant's decline mapping (behaviour.md §3.2).
package struct MappingRule: Sendable, Equatable {
    package enum Scope: Sendable, Equatable {
        /// One configured gateway.
        case mid(GatewayID)
        /// Every gateway of this type; lower case.
        case gateway(String)
    }

    package enum Match: Sendable, Equatable {
        /// The response code as people write it: case, blanks and leading zeros ignored.
        case code(String)
        /// Words of the response text, one after the other.
        case text(String)
    }

    package let scope: Scope
    /// `nil`: all order types.
    package let orderType: OrderType?
    package let match: Match
    package let declineClass: DeclineClass
    /// Lets the rule lift a network order (behaviour.md §3.1).
    package let overrideNetwork: Bool
    /// A text is looked for as whole words; else wherever its letters stand.
    package let matchesWholeWords: Bool
    /// What the merchant calls the rule; results and the journal call it so too.
    package let name: String?
    /// Where the rule stands in the configuration file (`merchants[0].declineMapping[2]`), told in every decision it makes.
    package let path: String
    /// The words of its text.
    let words: [String]

    package init(
        scope: Scope, orderType: OrderType? = nil, match: Match, declineClass: DeclineClass, overrideNetwork: Bool = false,
        matchesWholeWords: Bool = true,
        name: String? = nil, path: String
    ) {
        self.scope = scope
        self.orderType = orderType
        self.match = match
        self.declineClass = declineClass
        self.overrideNetwork = overrideNetwork
        self.matchesWholeWords = matchesWholeWords
        self.name = name
        self.path = path
        words = if case .text(let text) = match { TextWords.split(text) } else { [] }
    }

    /// As a sentence calls it.
    var title: String { name.map { "\($0) (\(path))" } ?? path }
}

/// What a merchant may decide where the rules leave a choice.
package struct Policy: Sendable, Equatable {
    /// The class of a decline that no table knows (behaviour.md §3.7).
    package let unknownDeclines: DeclineClass
    /// The class of a decline of which only a text tells, and only that it was declined; `nil`: soft, as such declines are.
    package let lowConfidenceDeclines: DeclineClass?
    /// The class of declines that need corrected card data or authentication first (expired card, CVV mismatch):
    /// rescued rarely, but some merchants want them tried.
    package let correctableDeclines: DeclineClass
    /// Faults of the first gateway's account: a card type, a currency, a merchant not enabled there.
    package let accountDeclines: AccountDeclines
    /// The class of a cascade's decline for a limit of amount or number that is over later; a retry waits for it.
    package let limitDeclines: DeclineClass
    package let insufficientFunds: InsufficientFunds
    /// From the decline to the last moment at which a cascade may still be started.
    package let cascadeDeadline: Moment.Span

    package init(
        unknownDeclines: DeclineClass = .hard, lowConfidenceDeclines: DeclineClass? = nil, correctableDeclines: DeclineClass = .hard,
        accountDeclines: AccountDeclines = .cascade, limitDeclines: DeclineClass = .soft,
        insufficientFunds: InsufficientFunds = .byRoute, cascadeDeadline: Moment.Span = .seconds(60)
    ) {
        self.unknownDeclines = unknownDeclines
        self.lowConfidenceDeclines = lowConfidenceDeclines
        self.accountDeclines = accountDeclines
        self.limitDeclines = limitDeclines
        self.correctableDeclines = correctableDeclines
        self.insufficientFunds = insufficientFunds
        self.cascadeDeadline = cascadeDeadline
    }
}

/// Whether a fault of the first gateway's account is worth another acquirer.
package enum AccountDeclines: String, Sendable, CaseIterable {
    /// Soft for a cascade, hard otherwise.
    case cascade
    case soft, hard
}

/// Whether an insufficient-funds decline may cascade (behaviour.md §4).
package enum InsufficientFunds: String, Sendable, CaseIterable {
    /// A cascade profile excludes it, cascadeAll includes it.
    case byRoute
    case include
    case exclude
}

package enum DeclineClass: String, Sendable, CaseIterable {
    case soft, hard
}

package enum OrderType: String, Sendable, CaseIterable {
    case newSale = "new_sale"
    case recurring
}
