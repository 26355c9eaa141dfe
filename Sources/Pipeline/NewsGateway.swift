import DeclineRecovery

extension MerchantDirectory {
    /// The news as of the gateway that answers for the recovery on the account that they came by.
    ///
    /// The URL says only which account it is. What the recovery's merchant wants to hear is for his own gateway to say, and his keys are the
    /// ones to look with.
    ///
    /// - Parameter sent: by which gateway the recovery was sent, where that is remembered.
    /// - Returns: the news as they are where its merchant has no gateway on that account.
    func addressed(_ news: WebhookNews, of reference: RecoveryReference?, sentBy sent: ClaimedGateway?) -> WebhookNews {
        // What the list of orders shows names the gateway already.
        guard !news.isListed, let reference, let account = merchant(news.merchantID)?.flexFactorGateways[news.gatewayID]?.account else {
            return news
        }
        let owner = news.merchant(of: reference)
        let all: [FlexFactorGateway] = merchant(owner).map { Array($0.flexFactorGateways.values) } ?? []
        let own = all.filter { $0.account == account }.sorted { $0.id.text < $1.id.text }
        let sender: FlexFactorGateway? = own.first { $0.id == sent?.id && sent?.merchantID == owner }
        let receiver: FlexFactorGateway? = own.first { $0.id == news.gatewayID && news.merchantID == owner }
        let hearer: FlexFactorGateway? = own.first { news.event == .chargeback && $0.includeChargebacks }
        guard let gateway = sender ?? receiver ?? hearer ?? own.first else { return news }
        return news.addressed(to: owner, gateway.id)
    }
}
