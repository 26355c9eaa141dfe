import Testing

@testable import DeclineRecovery

/// The data files: readable, and without contradiction.
@Suite struct DeclineTableTests {
    private var tables: DeclineTables { .builtIn }
    private var all: [DeclineTable] { tables.gateways + [tables.merchantAdvice, tables.visaAdvice] }

    @Test func everyTableSaysWhereItComesFromAndNoCodeStandsTwice() {
        for table in all {
            #expect(!table.origin.isEmpty && !table.title.isEmpty && table.date.hasPrefix("20") && !table.rows.isEmpty, "\(table.source)")
            #expect(Set(table.rows.map { $0.code.lowercased() }).count == table.rows.count, "\(table.source)")
            #expect(table.rows.allSatisfy { !$0.description.isEmpty }, "\(table.source)")
            #expect(table.advice.values.allSatisfy { !$0.description.isEmpty }, "\(table.source)")
            if let base = table.base { #expect(tables.table(named: base) != nil, "\(table.source)") }
        }
    }

    @Test func noAliasIsClaimedTwice() {
        var claims: [String: String] = [:]
        for table in tables.gateways {
            for alias in Set(([table.source] + table.aliases).map(SourceName.key)) {
                #expect(!alias.isEmpty && claims[alias] == nil, "\(alias): \(table.source) and \(claims[alias] ?? "")")
                claims[alias] = table.source
            }
        }
    }

    @Test(arguments: [
        #"{"source":"a","title":"t","origin":"o","date":"2026","aliases":[],"codes":[{"code":"1","category":"soft","description":"d"}]}"#,
        #"{"source":"a","title":"t","origin":"o","date":"2026","aliases":[],"codes":[],"advice":[{"code":"1","category":"soft"}]}"#,
        #"{"source":"a","title":"t","origin":"o","date":"2026","codes":[]}"#, "[]", "not JSON",
    ])
    func aTableThatSaysWhatNobodyKnowsIsRefused(file: String) {
        #expect(DeclineTable(file: Array(file.utf8)) == nil)
    }

    @Test func aNumberIsOneCodeHoweverItIsWritten() throws {
        let nmi = try #require(tables.table(of: "nmi"))
        for code in ["200", " 200", "200.0", "00200", "200: DECLINED", "200 - declined", "200\n"] {
            #expect(nmi.row(code)?.code == "200", "\(code)")
        }
        for code in ["", " ", "2000", "20", "-200", "2OO"] { #expect(nmi.row(code)?.code != "200", "\(code)") }
        // Where a table has both, each is its own.
        #expect(tables.table(of: "migs").flatMap { tables.finding("3", in: $0) }?.row.category == .outcomeUnknown)
        #expect(tables.table(of: "migs").flatMap { tables.finding("03", in: $0) }?.row.category == .accountWrong)
    }

    @Test(arguments: [
        ("Network Merchants", "nmi"), ("NMI ", "nmi"), ("nmi_direct_post", "nmi"), ("NMI (Network Merchants)", "nmi"), ("Verifi", "nmi"),
        ("EVO Canada", "nmi"),
        ("Authorize Net", "authorizenet"), ("AUTHORIZE.NET (CIM)", "authorizenet"), ("Auth.Net", "authorizenet"),
        ("AuthorizeNet AIM v3", "authorizenet"),
        ("Stripe Payment Intents", "stripe"), ("stripe-v3", "stripe"), ("Stripe, Inc.", "stripe"), ("ISO 8583", "iso8583"),
        ("American Express", "amex"),
        ("Braintree (Blue Platform)", "braintree"), ("Braintree Payments", "braintree"), ("Checkout.com", "checkout"),
        ("checkout_com", "checkout"),
        ("First Data Nashville", "nashville"), ("Netbanx by PaySafe", "paysafe"), ("Optimal Payments", "paysafe"),
        ("Vantiv eCommerce", "litle"), ("Worldpay", "worldpay"), ("Chase Paymentech", "paymentech"), ("PayPal Payflow Pro", "payflow"),
        ("CyberSource REST API", "cybersource"), ("Mercado Pago", "mercadopago"), ("USA ePay", "usaepay"),
        ("First Data (Payeezy)", "compass"), ("Decidir 2.0", "decidir"), ("Simetrik", "simetrik"), ("Cielo 3.0", "abecs"),
        ("Barclays ePDQ", "ogone"), ("Heartland Payment Systems", "heartland"), ("Vantiv Express", "elementexpress"),
        ("Windcave (formerly PaymentExpress)", "windcave"), ("CAMS", "nmi"), ("Bambora Asia-Pacific", "iso8583"), ("OpenPay MX", "openpay"),
        ("Elo", "elo"), ("Garanti Sanal POS", "bkm"), ("Peach Payments", "opp"), ("HyperPay", "opp"), ("CloudPayments", "cloudpayments"),
        ("SEPA Direct Debit", "sepa"), ("NACHA", "ach"), ("Rapyd Gateway", "rapyd"), ("Open Payment Platform", "opp"),
        ("CardProcess VR-Pay", "opp"),
        ("Realex", "realex"), ("Global Iris", "realex"), ("Opayo", "sagepay"), ("Sage Pay", "sagepay"), ("PayU Latam", "payulatam"),
        ("PayU", "payu"), ("TransFirst Transaction Express", "transfirst"),
    ])
    func aSourceIsKnownHoweverItIsWritten(spelling: String, source: String) {
        #expect(tables.table(of: spelling)?.source == source)
    }

    @Test(arguments: ["", "Gateway", "Payments Inc", "nobody", "12", "My own processor", "striped", "visage"])
    func nobodyIsTakenForAnother(spelling: String) {
        #expect(tables.table(of: spelling) == nil)
    }

    @Test func theNearestNameIsOfferedForOneThatNobodyHas() {
        #expect(tables.nearestSource(to: "authorizenett") == "authorizenet" && tables.nearestSource(to: "Strype") == "stripe")
        #expect(tables.nearestSource(to: "qqqqqqqqqqqq") == nil)
    }

    /// By look they are ISO's 07, 41 and 3, and mean something else.
    @Test func codesThatLookAlikeAreNotTheSame() {
        func category(_ source: String, _ code: String) -> DeclineCategory? {
            tables.table(of: source).flatMap { tables.finding(code, in: $0) }?.row.category
        }
        #expect(category("paymentech", "07") == .never && category("paymentech", "09") == .never)
        #expect(category("cardpointe", "41") == .hard && category("cardpointe", "43") == .requestWrong)
        #expect(category("nashville", "N3") == .hard && category("iso8583", "N3") == .softNow && category("nashville", "14") == .hard)
        // ProPay's two lists share numbers: the text tells which it is.
        #expect(tables.table(of: "propay").flatMap { tables.finding("58", in: $0) }?.row.isGeneric == true)
        // Prisma's 45 and 46 are about instalments and validity, no closed accounts; Windcave says 76 of any refusal.
        #expect(category("decidir", "45") == .requestWrong && category("decidir", "46") == .hard && category("decidir", "04") == .never)
        #expect(category("windcave", "76") == .softNow && category("heartland", "44") == .never && category("ogone", "30411001") == .never)
        // Ogone's statuses: 92 is uncertain, 41 waits for the customer.
        #expect(category("ogone", "92") == .outcomeUnknown && category("ogone", "41") == .outcomeUnknown)
        #expect(category("abecs", "62") == .softNow && category("abecs", "41") == .never && category("simetrik", "R304") == .never)
        #expect(category("visa", "59") == .softNow && category("mastercard", "59") == .hard)
        // Worldpay's 75 and 92 are a security code and a type of card at one of its gateways; Recurly's temporary hold is a do not honor.
        #expect(category("worldpay", "75") == .correctData && category("worldpay", "92") == .accountWrong)
        #expect(category("recurly", "temporary_hold") == .softNow && category("recurly", "fraud_stolen_card") == .never)
        // Elo's 04 asks to do it again, its 57 is a card that is blocked for good; Turkish banks' 16 are funds, and ISO's an approval.
        #expect(category("elo", "04") == .softNow && category("elo", "57") == .never && category("elo", "19") == .hard)
        #expect(category("garanti", "16") == .softLater && category("iso8583", "16") == .notADecline && category("garanti", "34") == .never)
        #expect(category("cielo", "FD") == .never && category("cielo", "39") == .softNow && category("cielo", "04") == .never)
        // Cielo's 67 is a block for a day, and ISO's a card to be kept; its 85 is a fault, and no approval.
        #expect(category("cielo", "08") == .correctData && category("cielo", "22") == .requestWrong)
        #expect(category("cielo", "67") == .softLater && category("cielo", "85") == .softNow && category("cielo", "BR") == .never)
        // Shva's 2 and 5 keep the card, 41 is a ceiling. Borgun and Decta speak ISO 8583:1993; Redsys writes its codes as SIS0093 too.
        #expect(category("Tranzila", "002") == .never && category("Tranzila", "005") == .never && category("Tranzila", "041") == .softLater)
        #expect(category("Borgun", "208") == .never && category("Decta", "116") == .softLater && category("redsys", "SIS0093") == .hard)
        #expect(category("hyperpay", "800.100.165") == .never && category("hyperpay", "000.400.070") == .outcomeUnknown)
        #expect(category("cloudpayments", "5041") == .never && category("cloudpayments", "5051") == .softLater)
        #expect(category("ach", "R01") == .softLater && category("ach", "R10") == .never && category("sepa", "MD01") == .never)
        // Moneris' 900 and its neighbours keep the card, 478 and 480 have it picked up, its 113 may have charged.
        // TransFirst's T1 to T7 are checks.
        for code in ["478", "480", "900", "902", "909"] { #expect(category("moneris", code) == .never, "\(code)") }
        #expect(category("moneris", "113") == .outcomeUnknown && category("moneris", "084") == .requestWrong)
        // Orbital's 68 is a card number, and BK a closed account.
        #expect(category("orbital", "68") == .hard && category("orbital", "BK") == .never && category("orbital", "D7") == .softLater)
        #expect(category("transfirst", "T2") == .hard && category("transfirst", "R1") == .never && category("realex", "103") == .never)
        #expect(category("amex", "100") == .softNow && category("amex", "200") == .never && category("amex", "51") == .softLater)
    }
}
