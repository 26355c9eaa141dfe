import Testing

@testable import DeclineRecovery

/// What networks and gateways advise, however they write it.
@Suite struct AdviceTests {
    @Test(arguments: [
        "03", "M03", "m3", "MAC 03", "MAC03", "mac-03", "Mastercard advice code: 21", "MC 03 : Do not try again",
        "[03]", "(03)", "{\"code\":\"03\"}", "MA21", "MA code 03", "DE48.84=03", "48/84: 03", "SE84 21",
    ])
    func anAdviceIsHeardHoweverItIsWritten(advice: String) {
        #expect(isOrder(classify("nmi", "200", advice: advice, brand: .mastercard)))
    }

    @Test(arguments: ["1", "Category 1", "Visa category 1", "cat: 1", "visa 1"])
    func visasCategoriesAreReadAsVisas(advice: String) {
        #expect(isOrder(classify("nmi", "200", advice: advice, brand: .visa)))
        #expect(advice == "1" || isOrder(classify("nmi", "200", advice: advice, brand: nil)))
    }

    @Test(arguments: ["batch 03", "3 of 5 attempts left? no", "see 03", "", "M", "category"])
    func whatIsNoAdviceForbidsNothing(advice: String) {
        #expect(advice.first == "3" || AdviceCode(advice) == nil)
    }

    @Test func mastercardsAdviceMayStandInTheText() {
        #expect(classify("adyen", "2", text: "Refused | 24 : Retry after 1 hour").declineClass == .soft)
        #expect(isOrder(classify("adyen", "2", text: "Refused | 21 : Payment Cancellation")))
        for text in ["MAC: 03", "Merchant advice code 21", "Visa decline category 1"] {
            #expect(isOrder(classify("nobody", "", text: text)), "\(text)")
        }
    }

    @Test(arguments: [
        "Do not honor (MAC 03)", "05 Do Not Honor MAC=03", "Declined [merchant advice code 21]", "Declined. Advice Code: 03",
        "merchantAdviceCode=03", "merchant_advice_code:21", "Declined - Visa Category 1", "Refused, Visa Cat 1",
        "Declined - M03", "Do Not Honor M21", "Declined. MAC is 03", "Declined. MA code 03",
    ])
    func itIsHeardWhereverATextNamesIt(text: String) {
        #expect(isOrder(classify("nmi", "200", text: text)))
        #expect(isOrder(classify(text: text)))
    }

    @Test(arguments: [
        "Merchant category 1 declined", "Product category 1 declined", "Declined, cat 1", "HMAC 03 declined", "MAC key error",
        "Declined 03", "Declined M 03", "Declined M035", "Declined M03A",
        "MAC 02 declined", "Boston, MA 03 declined", "Declined, our advice is 3 days of patience", "Declined, code is 03",
        "Declined 48/84 03",
    ])
    func whatOnlyLooksLikeOneForbidsNothing(text: String) { #expect(!isOrder(classify("nmi", "200", text: text))) }

    /// Stripe's advice codes are words.
    @Test func itMayBeNothingButWords() {
        for code in ["generic_decline", "do_not_honor", "card_declined"] {
            #expect(classify("stripe", code, advice: "confirm_card_data").category == .correctData, "\(code)")
            #expect(isOrder(classify("stripe", code, advice: "do_not_try_again")), "\(code)")
            #expect(classify("stripe", code, advice: "try_again_later").declineClass == .soft, "\(code)")
        }
        #expect(classify("stripe", "insufficient_funds", advice: "confirm_card_data").isInsufficientFunds)
        #expect(classify("nmi", "200", text: "Insufficient funds", advice: "Update account information").isInsufficientFunds)
        #expect(classify("nobody", "1", advice: "Try again later").declineClass == .soft)
        #expect(classify("nmi", "202", advice: "Update account information").rule == "table:nmi/202")
    }

    /// Rapyd counts them in its own way, whatever the card's network.
    @Test(arguments: [.visa, .mastercard, nil] as [CardNetwork?])
    func aSourceMayHaveNumbersOfItsOwn(brand: CardNetwork?) {
        let code = "ERROR_PROCESSING_CARD - [05]"
        for advice in ["01", "1", "05", "06"] { #expect(isOrder(classify("Rapyd", code, advice: advice, brand: brand)), "\(advice)") }
        #expect(classify("Rapyd", code, advice: "03", brand: brand).category == .correctData)
        #expect(classify("Rapyd", code, advice: "11", brand: brand).declineClass == .soft)
        #expect(classify("Rapyd", code, advice: "16", brand: brand).declineClass == .soft)
        #expect(classify("Rapyd", code, advice: "16", brand: brand, .recurring).declineClass == .hard)
        // Who names the network means the network's.
        #expect(isOrder(classify("Rapyd", code, advice: "MAC 03", brand: brand)))
        // Nobody else's are Rapyd's.
        #expect(!isOrder(classify("nmi", "200", advice: "05", brand: brand)))
        #expect(classify("cybersource", "203", advice: "05", brand: brand).category == .hard)
    }

    @Test func rapydsCodeIsTheNetworks() {
        for code in ["07", "43", "R1"] { #expect(isOrder(classify("Rapyd", "ERROR_PROCESSING_CARD - [\(code)]")), "\(code)") }
        #expect(classify("Rapyd", "ERROR_PROCESSING_CARD - [51]").isInsufficientFunds)
        #expect(classify("Rapyd", "ERROR_PROCESSING_CARD - [62]").category == .hard)
    }
}
