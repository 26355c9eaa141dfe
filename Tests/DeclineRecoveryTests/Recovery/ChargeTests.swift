import TestSupport
import Testing

@testable import DeclineRecovery

/// What of a decline goes into its charge, and until when.
@Suite struct ChargeTests {
    private let now = Moment.in2026(100)

    private func event(declinedAt: Moment, trial: Bool = false, details: ChargeDetails = ChargeDetails()) -> DeclineEvent {
        let address = Address(firstName: "A", lastName: "B", countryCode: "US", addressLine1: "1", state: "NY", city: "T", zipCode: "1")
        return DeclineEvent(
            id: "d", source: "crm", declinedAt: declinedAt, merchantID: "acme", trigger: .initial,
            order: Order(id: "A", type: .newSale, trialCompletion: trial, ipAddress: "203.0.113.7"),
            decline: Decline(gatewayID: "7", responseCodeSource: "nmi", responseCode: "201", transactionID: "T"),
            amount: Money(minorUnits: 1, currency: .usd),
            payer: Payer(), billing: address, paymentMethod: PaymentMethod(card: .token(CardToken("t")), bin: "400000", last4: "0002"),
            details: details)
    }

    private func recovery(
        _ event: DeclineEvent, by way: Recovery.Way = .cascade, _ mode: MITMode = .managed, days: Int = 21, site: String? = nil,
        takenIn: Moment? = nil
    ) -> Recovery {
        Recovery(
            of: event, as: RecoveryReference(for: event), by: way,
            through: FlexFactorGateway(id: "42", expiryDays: days, mitMode: mode, siteID: site),
            verdict: DeclineVerdict(declineClass: .soft, rule: "r"), policy: Policy(), reply: nil, now: takenIn ?? now)
    }

    /// FlexFactor answers other bytes under a key with a conflict, so what is sent follows from the event, not from when a pod had it.
    @Test(arguments: [1, 2, 21]) func aCopyThatIsTakenInLaterIsTheSameCharge(days: Int) {
        let first = recovery(event(declinedAt: now), by: .retry, days: days)
        #expect(first.charge?.expiry == now + .days(Int64(days)))
        // A clock may be ahead a little, and keys live for twenty hours.
        for minutes in [-30, 1, 90, 1_199] {
            let copy = recovery(event(declinedAt: now), by: .retry, days: days, takenIn: now + .minutes(Int64(minutes)))
            #expect(copy.charge == first.charge && copy.route == first.route, "\(minutes) min")
        }
        let trial = event(declinedAt: now, trial: true)
        #expect(recovery(trial, takenIn: now + .seconds(-5)).charge == recovery(trial, takenIn: now + .seconds(40)).charge)
    }

    @Test(arguments: [1, 2, 9, 21]) func anEventThatComesLateHasTimeLeft(days: Int) throws {
        let all = Moment.Span.days(Int64(days)).milliseconds
        for hours in -200...760 {
            let takenIn = now + .minutes(Int64(hours) * 60)
            let expiry = try #require(recovery(event(declinedAt: now), by: .retry, days: days, takenIn: takenIn).charge?.expiry)
            let left = (expiry - takenIn).milliseconds
            let most = hours < 0 ? all + Moment.Span.minutes(60).milliseconds : all
            #expect(left >= (days == 1 ? all / 6 : all / 2) && left <= most, "\(hours) h")
        }
    }

    /// The deadline counts from whichever is earlier: the customer waits since the event came, at the latest.
    @Test func aClockThatIsAheadWinsNoTime() {
        #expect(recovery(event(declinedAt: now + .seconds(3_600))).chargingEnds == now + .seconds(60))
        #expect(recovery(event(declinedAt: now + .seconds(-20))).chargingEnds == now + .seconds(40))
    }

    @Test func theEndOfATrialIsBilledWithoutTheCustomer() throws {
        for mode in MITMode.allCases {
            let charge = try #require(recovery(event(declinedAt: now, trial: true), by: .cascade, mode).charge)
            #expect(
                charge.isMerchantInitiated && charge.customerIP == nil && charge.expiry == (mode == .managed ? now + .seconds(60) : nil))
        }
        let sale = try #require(recovery(event(declinedAt: now)).charge)
        #expect(!sale.isMerchantInitiated && sale.customerIP == "203.0.113.7" && sale.expiry == nil)
    }

    @Test func whatTheCRMKnowsTravels() throws {
        let details = ChargeDetails(
            senseKey: "k", siteID: "s-1", siteURL: "https://shop.example", descriptor: "SHOP*1",
            threeDSecure: .init([.init(name: "threeDsVersion", value: "2.2.0"), .init(name: "ecommerceIndicator", value: "05")]),
            subscription: .init(id: "sub-1", interval: "monthly", price: 999, paymentNumber: 3, totalPayments: 12))
        let sent = recovery(event(declinedAt: now, details: details))
        #expect(sent.charge?.details == details)
        guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(sent)) else {
            Issue.record("unreadable")
            return
        }
        #expect(read == sent)
    }

    /// Whatever is configured between a request and its repeat: other bytes under its key are a conflict for ever.
    @Test(arguments: ["s-1", nil]) func theSiteIsTheOneOfWhenItWasTakenIn(site: String?) throws {
        let taken = recovery(event(declinedAt: now), site: site)
        let envelope = String(decoding: WorkEnvelope.encode(taken), as: UTF8.self)
        let member = site.map { #","site":{"id":"\#($0)"}"# } ?? #","site":{}"#
        #expect(envelope.contains(member))
        guard case .recovery(var read) = WorkEnvelope.decode(Array(envelope.utf8)),
            case .recovery(let old) = WorkEnvelope.decode(Array(envelope.replacing(member, with: "").utf8))
        else {
            Issue.record("unreadable")
            return
        }
        #expect(read == taken && taken.charge?.siteID(configured: "s-2") == site)
        #expect(read.learned(.tokenized(CardToken("fresh")), now: now, timing: RecoveryTiming()) == .advance)
        read.place(at: "42", account: "m-1")
        let charge = try #require(read.charge)
        #expect(charge.siteID(configured: "s-2") == site)
        // Where it is not known, the gateway's as it is now: of envelopes of before, at another gateway, and when a person sends it again.
        read.place(at: "43", account: "m-1")
        for unknown in [old, read, taken.sentAgain()] { #expect(unknown.charge?.siteID(configured: "s-2") == "s-2") }
        let named = recovery(event(declinedAt: now, details: ChargeDetails(siteID: "s-9")), site: site)
        #expect(named.charge?.siteID(configured: "s-2") == "s-9")
    }

    /// The card itself goes before what the CRM said of it.
    @Test func whatAnOpenedCardSaysIsTold() throws {
        var opened = recovery(event(declinedAt: now))
        let facts = CardFacts(holderName: "Ada Byron", expirationMonth: 3, expirationYear: 2031, bin: "411111", last4: "1111")
        #expect(opened.learned(.tokenized(CardToken("fresh"), facts), now: now, timing: RecoveryTiming()) == .advance)
        let method = try #require(opened.charge?.paymentMethod)
        #expect(
            method.card == .token(CardToken("fresh")) && method.holderName == "Ada Byron" && method.bin == "411111"
                && method.last4 == "1111")
        #expect(method.expirationMonth == 3 && method.expirationYear == 2031)
    }
}
