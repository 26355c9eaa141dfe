import TestSupport

@testable import DeclineRecovery

/// Claims of few recoveries and debts, so that they meet, in the order of a stream.
struct RandomClaims {
    private(set) var now = Moment(milliseconds: 1_800_000_000_000)
    private let recoveries: Int
    private let debts: Int
    private var ids: [[Claim.ID]]
    private var id: Claim.ID = 0

    init(_ random: inout SeededRandom) {
        let recoveries = Int.random(in: 2...400, using: &random)
        self.init(recoveries: recoveries, debts: Int.random(in: 1...max(1, recoveries / 2), using: &random))
    }

    init(recoveries: Int, debts: Int) {
        self.recoveries = recoveries
        self.debts = debts
        ids = Array(repeating: [], count: recoveries)
    }

    /// What a cancel command by order, purchase and cycle names that means a claim's recovery.
    static func rebill(of claim: Claim) -> Debt {
        Debt(merchantID: "acme", orderID: claim.reference.orderID, purchaseID: "88", billingCycle: 7, chargeID: nil)
    }

    /// One of the debts that they are of.
    func debt(_ random: inout SeededRandom) -> Debt { Self.debt(Int.random(in: 0..<debts, using: &random)) }

    private static func debt(_ number: Int) -> Debt {
        Debt(merchantID: "acme", orderID: "D\(number)", purchaseID: nil, billingCycle: nil, chargeID: nil)
    }

    mutating func next(_ random: inout SeededRandom) -> Claim {
        id += 1
        let number = Int.random(in: 0..<recoveries, using: &random)
        let act = act(number, &random)
        // One decline in eight comes as another kind as well.
        let isTwin = number % 8 == 7
        let decline = isTwin ? number - 1 : number
        // A webhook knows no debt and no amount.
        let isBare = Int.random(in: 0..<6, using: &random) == 0
        let debt = Fingerprint(of: Self.debt(number % debts))
        let claim = Claim(
            id: id, merchantID: "acme",
            reference: RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "d-\(decline)"), orderID: "A\(decline)",
                kind: isTwin ? .recurring : number % 3 == 0 ? .sale : .rerun, sequence: 1),
            debt: isBare ? nil : debt, amount: isBare ? nil : Money(minorUnits: Int64.random(in: 1...2, using: &random), currency: .usd),
            act: act, at: now, until: now + .seconds(Int64.random(in: 1...5_000, using: &random)), worker: "w",
            gateway: number % 3 == 0
                ? nil : ClaimedGateway(merchantID: "acme", id: GatewayID("\(number % 4)"), account: number % 2 == 0 ? nil : "a"),
            orderID: id % 2 == 0 ? nil : "g-1",
            // Half of them are charges of their own within a rebill.
            order: number % 4 < 2
                ? nil
                : RecoveredOrder(
                    id: "A\(decline)", type: .newSale, trialCompletion: false, hasRecurringProducts: false,
                    purchaseID: "88", billingCycle: 7, declinedGatewayID: "7", chargeID: "upsell"))
        // Whole seconds are kept.
        now = now + .seconds(Int64.random(in: 0...6, using: &random))
        return claim
    }

    private mutating func act(_ number: Int, _ random: inout SeededRandom) -> Claim.Act {
        let one = ids[number].randomElement(using: &random)
        switch Int.random(in: 0..<15, using: &random) {
        case 0...3:
            ids[number].append(id)
            return .send(post: Int.random(in: 1...3, using: &random))
        case 4: return .unsent(one ?? 0)
        case 5: return .exists(answering: Bool.random(using: &random) ? one : nil)
        case 6: return .refused(one ?? 0, isLast: Bool.random(using: &random))
        case 7: return .reopened(.paidBack)
        case 8: return .reopened(.byOperator(who: "Ada", why: "they agree"))
        case 9: return .waiting
        case 10:
            let steps: [MoneyBackClaim.Step] = [
                .send(round: 1), .send(round: 2), .unsent(round: 1), .told(.refunded, round: 1, isWhole: Bool.random(using: &random)),
                .news(isWhole: Bool.random(using: &random), isLate: false),
            ]
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                return .moneyBack(
                    MoneyBackClaim.listed(beside: Int64.random(in: 0...2, using: &random), isLate: Bool.random(using: &random)))
            case 1:
                let id = ["c-1", "c-2", WebhookNews.listed].randomElement(using: &random)!
                return .moneyBack(.chargeback(id, isWhole: false, isTold: Bool.random(using: &random)))
            default:
                let command = Fingerprint("r-\(Int.random(in: 0..<2, using: &random))")
                return .moneyBack(MoneyBackClaim(command, steps.randomElement(using: &random)!))
            }
        default:
            let kind = [ResultKind.approved, .declined, .skipped, .expired, .cancelled].randomElement(using: &random)!
            let seen: [Claim.ID?] = [nil, 0, ids[number].last]
            let refused: [Int?] = [nil, 0, 1, 3]
            return .told(
                Claim.Told(
                    kind, Claim.Basis.allCases.randomElement(using: &random)!, withdrawing: Bool.random(using: &random) ? one : nil,
                    seen: seen.randomElement(using: &random)!, refused: refused.randomElement(using: &random)!,
                    unlessPaid: kind != .approved && Bool.random(using: &random)))
        }
    }
}
