package import DeclineRecovery
import NIOCore

extension FlexFactorClient {
    /// Orders whose money went back, as far as a list shows them.
    package struct MoneyBack: Sendable {
        package var orders: [FlexFactorOrder] = []
        /// Whether there is no more than that.
        package var isComplete = true
    }

    /// The orders placed since a moment whose money went back, refunded or disputed, page by page.
    ///
    /// The number of the refunded is documented (6, Returned), that of the disputed is not; but the list tells which number has which name.
    /// Whether an order is one of them its own status says, whatever the list was asked for.
    package func moneyBack(since: Moment, on lane: HTTPLane, within patience: Moment.Span) async -> Result<MoneyBack, CallFailure> {
        var found = MoneyBack()
        var seen: Set<String> = []
        var statuses: [Int64] = [6]
        var next = 0
        var pages = 0
        while next < statuses.count {
            let status = statuses[next]
            next += 1
            for page in 1... {
                if pages == Self.mostPages {
                    found.isComplete = false
                    return .success(found)
                }
                pages += 1
                let path =
                    "/orders?status=\(status)&from=\(since.rfc3339.percentEncoded)&orderBy=createdOn&sort=asc&mid=\(credentials.mid.percentEncoded)&pageSize=50&pageNumber=\(page)"
                let read: FlexFactorResponse.Page
                switch await list(path, on: lane, deadline: now() + patience) {
                case .failure(let failure): return .failure(failure)
                case .success(let answered): read = answered
                }
                let news = read.orders.filter { seen.insert("\(status) \($0.id.text.lowercased())").inserted }
                found.orders += news.filter { ($0.state == .returned || $0.state == .chargeback) && isOurs($0) }
                // Of what is not understood nobody knows whether money of it went back.
                if !read.isWhole || news.contains(where: { $0.state.isUnclear && isOurs($0) }) { found.isComplete = false }
                for number in read.disputed where !statuses.contains(number) && statuses.count < Self.mostStatuses {
                    statuses.append(number)
                }
                // A list that shows the same again does not page.
                if !read.hasNext || news.isEmpty { break }
            }
        }
        return .success(found)
    }

    /// 50,000 orders.
    private static let mostPages = 1_000
    private static let mostStatuses = 4

    /// A page of the list of orders, as one call.
    private func list(_ path: String, on lane: HTTPLane, deadline: Moment) async -> Result<FlexFactorResponse.Page, CallFailure> {
        let refusal = await admission(lane, deadline, isCharge: false)
        let start = NIODeadline.now()
        let outcome: Result<FlexFactorResponse.Page, CallFailure> =
            if let refusal {
                .failure(refusal)
            } else {
                switch await exchange({ self.get(path, nil, bearer: $0) }, lane, deadline) {
                case .success(let response) where (200..<300).contains(response.status):
                    FlexFactorResponse.page(response).map(Result.success)
                        ?? .failure(.unknown(.unreadable("the list of orders cannot be read")))
                case .success(let response): .failure(self.failure(response, without: withheld()))
                case .failure(let failure): .failure(failure)
                }
            }
        var failure: CallFailure?
        if case .failure(let why) = outcome { failure = why }
        let answer = failure.map(FlexFactorAnswer.failed)
        if refusal == nil { report(answer ?? .notListed, isCharge: false) }
        observe(
            Observation(
                call: CallName.list.rawValue, outcome: answer?.name ?? "listed",
                nanoseconds: (NIODeadline.now() - start).nanoseconds, failure: failure))
        return outcome
    }
}
