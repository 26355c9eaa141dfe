import DeclineRecovery
import TestSupport
import Testing

/// What the card networks say about trying again (facts/crm-and-declines.md §§8, 10).
@Suite struct NetworkRulesTests {
    private func event(_ trigger: Trigger, brand: String?, rerun: Int? = nil, advice: String? = nil) -> DeclineEvent {
        let address = Address(
            firstName: "Ada", lastName: "Byron", countryCode: "US", addressLine1: "1 Main St", city: "Troy", zipCode: "12180")
        return DeclineEvent(
            id: "d", source: "crm", declinedAt: Moment(milliseconds: 0), merchantID: "acme", trigger: trigger,
            order: Order(id: "A", type: .newSale, rerunNumber: rerun),
            decline: Decline(
                gatewayID: "7", responseCodeSource: "iso8583", responseCode: "51", merchantAdviceCode: advice, transactionID: "T"),
            amount: Money(minorUnits: 100, currency: .usd), payer: Payer(), billing: address,
            paymentMethod: PaymentMethod(card: .token(CardToken("t")), brand: brand))
    }

    private func route(_ event: DeclineEvent, _ mode: MITMode, days: Int = 21) -> Route {
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", expiryDays: days, mitMode: mode)],
            recycleBilling: RecycleBilling(reattempts4To6: "42"))
        return Router.route(
            event, DeclineMapping.classify(DeclineCase(event.decline, orderType: .newSale), merchant: merchant), merchant: merchant,
            now: nil)
    }

    @Test(arguments: [("24", 1), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)])
    func theAdviceSaysHowLongToWait(code: String, hours: Int64) {
        #expect(NetworkRules.wait(after: event(.initial, brand: nil, advice: code).decline) == .minutes(60 * hours))
    }

    @Test func aSourceMayHaveNumbersOfItsOwn() {
        func wait(_ source: String, _ advice: String) -> Moment.Span? {
            NetworkRules.wait(
                after: Decline(
                    gatewayID: "7", responseCodeSource: source, responseCode: "51", merchantAdviceCode: advice, transactionID: "T"))
        }
        #expect(wait("Rapyd", "08") == .minutes(60) && wait("Rapyd", "24") == .minutes(60))
        #expect(wait("iso8583", "08") == nil && wait("Rapyd", "02") == nil)
    }

    @Test func noAdviceOrAnotherIsNoWait() {
        for code in ["01", "02", "03", "43", "", "99"] {
            #expect(NetworkRules.wait(after: event(.initial, brand: nil, advice: code).decline) == nil)
        }
    }

    /// In sync mode the wait is ours to keep; in managed mode FlexFactor is told the advice and keeps it.
    @Test func aWaitLongerThanTheRetryIsASkip() {
        let waiting = event(.recycle(reattempt: 4), brand: "mastercard", advice: "30")
        #expect(route(waiting, .sync, days: 10) == .skip(.networkWait))
        #expect(route(waiting, .sync, days: 11) != .skip(.networkWait))
        #expect(route(waiting, .managed, days: 1) != .skip(.networkWait))
    }

    @Test func beyondTheNetworksCeilingNoRerunIsMade() {
        for (brand, rerun, isSkipped) in [
            ("Visa", 20, false), ("visa", 21, true), ("mastercard", 35, false), ("Mastercard", 36, true), ("amex", 99, false),
            (nil, 99, false),
        ] {
            let isSkip = route(event(.rerun(.gateway("42")), brand: brand, rerun: rerun), .managed) == .skip(.networkLimit)
            #expect(isSkip == isSkipped, "\(brand ?? "no brand") \(rerun)")
        }
    }

    @Test func whatTheNetworkAsksToWaitIsNotSentBefore() throws {
        let declinedAt = Moment(milliseconds: 1_800_000_000_000)
        let decline = event(.recycle(reattempt: 4), brand: "mastercard", advice: "25")
        for (mode, isParked) in [(MITMode.sync, true), (.managed, false)] {
            let shifted = DeclineEvent(
                id: "d", source: "crm", declinedAt: declinedAt, merchantID: "acme", trigger: decline.trigger, order: decline.order,
                decline: decline.decline, amount: decline.amount, payer: decline.payer, billing: decline.billing,
                paymentMethod: decline.paymentMethod)
            var recovery = Recovery(
                of: shifted, as: RecoveryReference(for: shifted), by: .retry, through: FlexFactorGateway(id: "42", mitMode: mode),
                verdict: DeclineVerdict(declineClass: .soft, rule: "r"), policy: Policy(), reply: nil, now: declinedAt)
            let step = recovery.next(now: declinedAt + .minutes(5), timing: RecoveryTiming())
            #expect((step == .stop(.park(until: declinedAt + .days(1)))) == isParked, "\(mode) \(step)")
        }
    }
}
