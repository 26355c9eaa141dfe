import DeclineRecovery

extension FlexFactorClient {
    /// Looks for an order that echoes our reference: in what a search for the reference brings, then in what was placed since a moment.
    ///
    /// The search is documented for names only, and no field of the list to echo our reference. So it can show an order, page by page,
    /// and never say that there is none.
    func find(
        _ reference: RecoveryReference, _ since: Moment?, _ lane: HTTPLane, _ traceparent: String?, _ deadline: Moment
    ) async -> FlexFactorAnswer {
        let scope = "mid=\(credentials.mid.percentEncoded)&pageSize=50"
        var lists = ["query=\(reference.text.percentEncoded)&\(scope)"]
        if let since {
            // Clocks differ; five minutes are more than they may.
            lists.append("from=\((since + .minutes(-5)).rfc3339.percentEncoded)&orderBy=createdOn&sort=asc&\(scope)")
        }
        var failure: CallFailure?
        for list in lists {
            var best: FlexFactorOrder?
            pages: for page in 1...Self.mostPages {
                // The first has had its turn. What is not looked at for want of one is as silent as the rest.
                if (list, page) != (lists[0], 1), await waitForTurn(lane, deadline) != nil {
                    if best != nil { break }
                    return failure.map(FlexFactorAnswer.failed) ?? .notListed
                }
                let path = "/orders?\(list)&pageNumber=\(page)"
                switch await exchange({ self.get(path, traceparent, bearer: $0) }, lane, deadline) {
                case .failure(let why):
                    if best != nil { break pages }
                    return .failed(why)
                case .success(let response) where (200..<300).contains(response.status):
                    guard let read = FlexFactorResponse.page(response) else {
                        lane.disown(response)
                        failure = .unknown(.unreadable("the list of orders cannot be read"))
                        break
                    }
                    best = FlexFactorResponse.better(best, orders(of: reference, in: read.orders, lane))
                    if read.hasNext, best?.state.tookMoney != true { continue }
                case .success(let response): failure = self.failure(response, without: withheld())
                }
                break
            }
            if let best { return await confirmed(best, reference, lane, traceparent, deadline) }
        }
        return failure.map(FlexFactorAnswer.failed) ?? .notListed
    }

    private static let mostPages = 20

    /// What a list shows as a reference's. It may show one order under two references, to one lane this and to another that; whose it is, and
    /// how it stands, the order's own page says.
    private func confirmed(
        _ listed: FlexFactorOrder, _ reference: RecoveryReference, _ lane: HTTPLane, _ traceparent: String?, _ deadline: Moment
    ) async -> FlexFactorAnswer {
        // What names no order has no page.
        if UUID5.guid(listed.id.text) == .empty { return .found(listed) }
        if let refusal = await waitForTurn(lane, deadline) { return .failed(refusal) }
        let call = FlexFactorCall.lookUp(listed.id)
        switch await exchange({ self.request(call, bearer: $0, traceparent) }, lane, deadline) {
        case .failure(let why): return .failed(why.besideList)
        case .success(let response):
            let answer = believed(self.answer(call, response), to: call, response, lane)
            if case .failed(let why) = answer { return .failed(why.besideList) }
            guard case .found(let order) = answer else { return .failed(.unknown(.unconfirmed("FlexFactor denies it there"))) }
            let owner = order.echo ?? reference
            guard lane.answered.take(order.id, for: owner), owner == reference else { return .notListed }
            return .found(
                FlexFactorOrder(
                    id: order.id, state: order.state, echo: reference, minorUnits: order.minorUnits ?? listed.minorUnits,
                    currency: order.currency ?? listed.currency, placedAt: order.placedAt ?? listed.placedAt,
                    account: order.account ?? listed.account))
        }
    }
}

extension CallFailure {
    /// Of the page of an order that the list has just shown: not as of a list that cannot be had, whose silence would prove nothing.
    fileprivate var besideList: CallFailure {
        switch self {
        case .notSent, .throttled, .unknown(.otherAccount), .unknown(.otherRecovery), .unknown(.unclear): self
        case .unknown, .conflict, .refused: .unknown(.unconfirmed(description, retryAfter: retryAfter))
        }
    }
}
