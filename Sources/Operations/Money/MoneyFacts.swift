package import DeclineRecovery

/// What a report tells one decline from another by.
package struct MoneyFacts: Sendable, Hashable {
    package var merchantID: MerchantID?
    /// The FlexFactor gateway; `nil` where the decline went to none.
    package var gatewayID: GatewayID?
    package var declinedGatewayID: GatewayID?
    /// Who declined and why, e.g. `nmi/201`.
    package var code: String?
    package var rule: String?
    package var brand: String?
    package var campaign: String?
    package var trigger: TriggerWord
    package var isRetry: Bool
    package var currency: Currency?
    /// Why it was not offered to FlexFactor.
    package var why: String?

    /// What a record alone tells.
    init(_ record: JournalRecord) {
        merchantID = record.reference.merchantID ?? record.merchantID
        gatewayID = record.gatewayID
        declinedGatewayID = record.decline?.gatewayID ?? record.reference.subscription?.gatewayID
        code = record.declineCode
        rule = record.rule
        brand = record.decline?.network?.rawValue ?? record.decline?.brand?.lowercased()
        campaign = record.decline?.campaign
        trigger = TriggerWord(record.reference.kind)
        isRetry = record.reference.kind.isRetry
        currency = record.amount?.currency
    }

    /// Without what a CRM may make anew for every visitor.
    var withoutCampaign: MoneyFacts {
        var facts = self
        facts.campaign = facts.campaign == nil ? nil : Self.others
        return facts
    }

    /// Without what strangers make up: their number is bounded here.
    var withoutWords: MoneyFacts {
        var facts = self
        facts.code = facts.code == nil ? nil : Self.others
        facts.rule = facts.rule == nil ? nil : Self.others
        facts.brand = facts.brand == nil ? nil : Self.others
        facts.campaign = facts.campaign == nil ? nil : Self.others
        return facts
    }

    static let others = "(others)"

    /// The reason of a decline that no table and no rule knows, and which was taken for hard therefore.
    package static let unknownCode = "unknown_code"

    /// Why a skipped decline was not offered, in the word of its result or `unknown_code`.
    func skipped(_ reason: String?) -> MoneyFacts {
        var facts = self
        let word = reason.map { String($0.prefix { $0 != " " }) } ?? "skipped"
        facts.why = word == SkipReason.hardDecline.rawValue && rule == "unknown" ? Self.unknownCode : word
        return facts
    }
}
