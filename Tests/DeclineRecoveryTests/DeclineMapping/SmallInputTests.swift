import Testing

@testable import DeclineRecovery

/// Declines that were once decided wrongly, each with its neighbours.
@Suite struct SmallInputTests {
    @Test(arguments: [
        "Do Not Try Again", "DO NOT RETRY - The card has been declined due to insufficient funds", "Declined - Stop this Recurring Program",
        "The transaction was declined or returned, because the cardholder requested that payments be stopped", "Stolen Card",
        "STOP RECURRING",
        "Pick up card - S", "Closed account", "Declined-Stop all recurring payments.", "Lost/Stolen", "Please do not re-try this card",
        "CARD REPORTED LOST",
        "Retain card", "Account closed", "REVOCATION OF AUTHORIZATION", "R1: Stop recurring payments", "ＳＴＯＬＥＮ ＣＡＲＤ",
        "Card holder revoked authorization",
    ])
    func neverIsNeverWhateverCodeItComesWith(text: String) {
        #expect(isOrder(classify(text: text)))
        for (source, code) in [
            ("nmi", "200"), ("nmi", "201"), ("nmi", "260"), ("nmi", "300"), ("nmi", "202"), ("authorize.net", "2"),
            ("stripe", "card_declined"), ("adyen", "2"),
        ] {
            #expect(isOrder(classify(source, code, text: text)), "\(source) \(code)")
        }
        // Neither the CRM nor a rule for a text nor the policy lifts it; overrideNetwork does.
        #expect(isOrder(classify(text: text, crm: .soft)))
        let word = TextWords.split(text).first ?? ""
        let rule = MappingRule(scope: .mid("7"), match: .text(word), declineClass: .soft, path: "m[0]")
        let lifting = MappingRule(scope: .mid("7"), match: .text(word), declineClass: .soft, overrideNetwork: true, path: "m[0]")
        #expect(isOrder(classify(text: text, rules: [rule])))
        #expect(classify(text: text, rules: [lifting]).declineClass == .soft)
        #expect(
            isOrder(classify(text: text, policy: Policy(unknownDeclines: .soft, lowConfidenceDeclines: .soft, correctableDeclines: .soft))))
    }

    @Test func aTextRuleLiftsNoNetworkOrderOfACode() {
        let rule = MappingRule(scope: .gateway("braintree"), match: .text("declined"), declineClass: .soft, path: "m[0]")
        for (code, text) in [
            ("2013", "Processor Declined - Possible Stolen Card"), ("2047", "Declined - Call Issuer. Pick Up Card."), ("2053", "Declined"),
        ] {
            #expect(isOrder(classify("braintree", code, text: text, rules: [rule])), "\(code)")
            #expect(isOrder(classify("braintree", code, text: text, crm: .soft)), "\(code)")
        }
    }

    @Test(arguments: ["03", "003", "M03", " 03", "3", "m3", "03 : Do not try again", "21", "021", "7903"])
    func anAdviceIsReadHoweverItIsWritten(advice: String) {
        #expect(isOrder(classify("mastercard", "05", advice: advice, brand: .mastercard)))
        #expect(isOrder(classify("nmi", "200", text: "Declined", advice: advice, brand: .mastercard)))
    }

    @Test func anAdviceIsReadByBrand() {
        #expect(isOrder(classify("cybersource", "203", network: "05", advice: "1", brand: .visa)))
        #expect(classify("cybersource", "203", network: "05", advice: "2", brand: .visa).declineClass == .soft)
        let third = classify("cybersource", "203", network: "05", advice: "3", brand: .visa)
        #expect(!isOrder(third) && third.category == .correctData)
        // Visa's 1 is Mastercard's "new account information".
        #expect(classify("mastercard", "05", advice: "01", brand: .mastercard).category == .correctData)
        // A form nobody knows decides nothing.
        for advice in ["", "x", "99999", "Soft Decline", "---"] {
            #expect(classify("nmi", "201", advice: advice).rule == "table:nmi/201", "\(advice)")
        }
    }

    @Test(arguments: [
        ("Funds transfer not allowed", false), ("Invalid Reference Number", false), ("Declined, card expired", false), ("DECLINE", true),
        ("Do Not Honour", true),
        ("DO_NOT_HONOR.", true), ("Not sufficient funds", true), ("INSUFF FUNDS", true), ("Activity limit exceeded", true),
        ("System error", true),
        ("Issuer Not Available", true), ("Please retry", true), ("Refused", true), ("Do Not Honor (AVS:Y CVV:M)", true),
        ("CVV2 MISMATCH", false),
        ("Refer to card issuer", true), ("Hold-Call", false), ("REJECT: 39", true), ("ISSUER UNAVAIL", true), ("EXC APPR AMT LIM", true),
        ("PLEASE CALL", true),
        ("Unable to authorize", true),
        ("Cutoff in progress", true), ("No response from issuer", true), ("PIN tries exceeded", true),
        ("Kein ausreichendes Guthaben", true), ("Kreditlimit überschritten", true),
        ("Contate o emissor", true), ("3DSecure is inactive", true), ("HOLD CARD", false), ("PIC UP", false), ("CUST REQ STOP", false),
        ("Customer deceased", false),
        ("Issuer will never approve", false), ("Order number is empty", false), ("Prior chargeback", false),
        ("Suspected malfunction", true), ("51 - DECLINED", true), ("DECLINE: 05", true), ("41 - DECLINED", false), ("DECLINE: 14", false),
        ("R: 51", true), ("R: 41", false),
        ("Cardholder blocked recurring", false), ("Card not enabled for online use", false), ("Blocked by the limit", true),
        ("Merchant blocked by cardholder", false), ("System is undergoing maintenance", true), ("Reason not specified", true),
        ("Acquirer is not accepting this transaction", true),
    ])
    func aTextAloneIsUnderstood(text: String, isSoft: Bool) {
        let classification = classify(text: text)
        #expect(!classification.isUnknown && (classification.declineClass == .soft) == isSoft, "\(classification.rule)")
        #expect(classify("nmi", text: text).declineClass == classification.declineClass)
    }

    /// `R29` is a return of ACH's, however it is written.
    @Test func aReturnIsNoNetworksCode() { #expect(classify(text: "R-29").isUnknown) }

    @Test func insufficientFundsIsSeenWhereverItIsSaid() {
        for text in ["INSUFF FUNDS", "Not sufficient funds", "NSF", "Saldo insuficiente"] {
            for (source, code) in [("nmi", "200"), ("authorize.net", "2"), ("stripe", "card_declined"), ("nobody", "")] {
                #expect(classify(source, code, text: text).isInsufficientFunds, "\(source) \(code) \(text)")
            }
        }
        #expect(classify("nmi", "200", text: "Declined", network: "51").isInsufficientFunds)
        #expect(
            !classify("nmi", "200", text: "Funds transfer not allowed").isInsufficientFunds
                && !classify("nmi", "200", text: "Transfer").isInsufficientFunds)
    }

    @Test(
        arguments: [
            ("authorize.net", "120", nil), ("authorize.net", "121", nil), ("authorize.net", "122", nil),
            ("authorize.net", "181", "An error occurred. Please try again."),
            ("authorize.net", "127", nil), ("authorize.net", "141", "This transaction has been declined."), ("authorize.net", "145", nil),
            ("authorize.net", "165", nil),
            ("authorize.net", "36", nil), ("cardpointe", "62", "Timed out"), ("nobody", "", "Auth succeeded but capture failed"),
            ("nobody", "", "Pending due to risk review"),
            ("authorize.net", "252", nil), ("authorize.net", "253", nil), ("nmi", "420", nil),
            ("nmi", "421", "Communication error with issuer"),
            ("nobody", "", "Gateway Timeout"), ("nmi", "200", "Gateway Timeout"), ("nobody", "GATEWAY_TIMEOUT", nil),
            ("cybersource", "151", nil),
            ("cybersource", "PROCESSOR_TIMEOUT", nil), ("payflow", "104", nil), ("nobody", "", "Transaction is held for review"),
            ("nobody", "", "The void failed"),
        ] as [(String, String, String?)])
    func aFirstChargeThatMayStandIsLookedUpAndNotMadeAgain(source: String, code: String, text: String?) {
        for policy in [
            Policy(), Policy(unknownDeclines: .soft, lowConfidenceDeclines: .soft, correctableDeclines: .soft, accountDeclines: .soft),
        ] {
            #expect(classify(source, code, text: text, policy: policy).isOutcomeUnknown)
            #expect(classify(source, code, text: text, crm: .soft, policy: policy).isOutcomeUnknown)
        }
        // An issuer that cannot be reached charged nobody.
        #expect(classify(text: "Issuer unavailable").declineClass == .soft && classify(text: "Issuer timeout").declineClass == .soft)
    }

    @Test(
        arguments: [
            ("nmi", "100", nil), ("visa", "00", nil), ("visa", "10", nil), ("stripe", "approved", nil),
            ("nobody", "", "Transaction was Approved"), ("nobody", "", "Partial approval"),
        ] as [(String, String, String?)])
    func anApprovalIsNoDecline(source: String, code: String, text: String?) {
        #expect(classify(source, code, text: text, policy: Policy(unknownDeclines: .soft)).isNoDecline)
        #expect(classify(source, code, text: text, crm: .soft).isNoDecline)
        #expect(!classify(text: "Not approved").isNoDecline)
    }

    @Test(arguments: [
        ("100", DeclineClass.soft), ("101", .hard), ("106", .soft), ("107", .soft), ("116", .soft), ("122", .hard), ("187", .hard),
        ("189", .hard), ("200", .hard), ("912", .soft),
    ])
    func amexHasThreeDigits(code: String, expected: DeclineClass) {
        #expect(classify("amex", code).declineClass == expected && !classify("amex", code).isUnknown)
        #expect(classify("nmi", "200", network: code, brand: .amex).declineClass == expected)
    }

    @Test(arguments: ["5C", "9G", "79", "83", "5c"])
    func visaKnowsItsLaterCodes(code: String) {
        #expect(!classify("visa", code).isUnknown && classify("visa", code).declineClass == .soft)
        #expect(isOrder(classify("visa", "14")) && isOrder(classify("visa", "57")))
    }

    @Test func aGenericCodeIsSharpened() {
        #expect(classify("stripe", "card_declined", text: "The card was reported stolen").declineClass == .hard)
        #expect(classify("stripe", "card_declined", text: "Your card was declined.").rule == "table:stripe/card_declined")
        #expect(classify("stripe", "card_declined", text: "Your card's security code is incorrect.").category == .correctData)
        #expect(classify("nmi", "200", network: "54", brand: .visa).rule == "network:visa/54")
        #expect(isOrder(classify("nmi", "200", network: "R1", brand: .visa)))
        // Worldpay says two things by 65.
        #expect(classify("worldpay", "65", text: "AUTHENTICATION REQUESTED").category == .correctData)
        #expect(classify("worldpay", "65", text: "Exceeds withdrawal frequency limit").declineClass == .soft)
        // A specific code stands.
        #expect(classify("nmi", "202", text: "Expired card", network: "54").rule == "table:nmi/202")
        #expect(classify("nmi", "300", text: "Insufficient funds").declineClass == .soft && classify("nmi", "300").declineClass == .hard)
    }

    @Test func theFirstGatewaysAccountIsNotFlexFactors() {
        for (source, code, text) in [
            ("authorize.net", "17", nil), ("nmi", "411", nil), ("nobody", "", "Amex is not a supported payment type"),
        ] as [(String, String, String?)] {
            #expect(classify(source, code, text: text).declineClass == .soft, "\(source)")
            #expect(classify(source, code, text: text, isCascade: false).declineClass == .hard, "\(source)")
            #expect(classify(source, code, text: text, policy: Policy(accountDeclines: .hard)).declineClass == .hard, "\(source)")
            #expect(
                classify(source, code, text: text, policy: Policy(accountDeclines: .soft), isCascade: false).declineClass == .soft,
                "\(source)")
        }
    }

    @Test func thePoliciesAreEachTheirOwn() {
        let cautious = Policy(lowConfidenceDeclines: .hard)
        #expect(classify(text: "Declined", policy: cautious).declineClass == .hard)
        #expect(classify(text: "Do not honor", policy: cautious).declineClass == .hard)
        #expect(classify("nmi", "201", text: "Do not honor", policy: cautious).declineClass == .soft)
        #expect(classify(text: "Insufficient funds", policy: cautious).declineClass == .soft)
        #expect(classify("nmi", "203", policy: Policy(limitDeclines: .hard)).declineClass == .hard)
        #expect(classify("nmi", "203", policy: Policy(limitDeclines: .hard), .recurring).declineClass == .soft)
        #expect(classify("nmi", "202", policy: Policy(limitDeclines: .hard)).declineClass == .soft)
        #expect(classify("nmi", "223", policy: Policy(correctableDeclines: .soft)).declineClass == .soft)
    }

    @Test func aMerchantsTextRuleMatchesWholeWords() {
        func rule(_ text: String, wholeWords: Bool = true) -> MappingRule {
            MappingRule(
                scope: .mid("7"), match: .text(text), declineClass: .soft, matchesWholeWords: wholeWords, name: "ours", path: "m[0]")
        }
        #expect(classify("nmi", "223", text: "EXPIRED CARD", rules: [rule("expired card")]).rule == "merchant:ours")
        #expect(classify("nmi", "223", text: "Expired_Card!", rules: [rule("Expired  card")]).rule == "merchant:ours")
        #expect(classify("nmi", "223", text: "transfer expired", rules: [rule("nsf")]).rule == "table:nmi/223")
        #expect(classify("nmi", "223", text: "transfer expired", rules: [rule("nsf", wholeWords: false)]).rule == "merchant:ours")
        #expect(classify("nmi", "223", text: "anything", rules: [rule("")]).rule == "table:nmi/223")
        let code = MappingRule(scope: .gateway("network merchants"), match: .code("0223"), declineClass: .soft, path: "m[0]")
        #expect(classify("nmi", "223", rules: [code]).rule == "merchant:m[0]")
    }

    @Test func aDeclineWithoutACodeOrFromNowhereIsStillRead() {
        #expect(classify("", "", text: "Insufficient funds").rule == "text:insufficient_funds")
        #expect(classify("nobody", "insufficient_funds").rule == "text:insufficient_funds")
        #expect(isOrder(classify("nobody", "lost_card")))
        #expect(classify("nobody", "05").isUnknown)
    }

    @Test(arguments: [
        "Declined (43)", "[41] Declined", "43 Declined", "DECLINE 04", "Do not honor (R1)", "Transaction declined: 41", "Error code: 43",
        "Hard decline 41", "Bank declined (43)",
    ])
    func aNetworksCodeAmongTheTradesWordsIsHeard(text: String) {
        #expect(isOrder(classify("nmi", "200", text: text)))
    }

    /// A gateway whose own codes are longer passes on the network's.
    @Test(
        arguments: [
            ("stripe", "43", "Your card was declined."), ("nmi", "41", "DECLINED"), ("braintree", "R1", nil), ("checkout", "RC=43", nil),
            ("nobody", "43", "Declined"), ("nobody", "41", nil), ("nobody", "Declined (43)", nil),
            ("nobody", "Network:Visa|IssuerCode:43", nil), ("nobody", "", "Network:Visa|IssuerCode:43"),
        ] as [(String, String, String?)])
    func aCodeThatOnlyTheNetworkHasIsTheNetworks(source: String, code: String, text: String?) {
        #expect(isOrder(classify(source, code, text: text)))
    }

    @Test(arguments: ["43 Stolen card", "Stolen card", "41/Lost card", "ISO43", "RC43", "Visa 43", "R1 revoked", "Closed account"])
    func aNetworksCodeMayComeWithWords(code: String) { #expect(isOrder(classify("nmi", "200", text: "DECLINED", network: code))) }

    @Test func aNetworksCodeThatSaysNothingForbidsNothing() {
        for code in ["0", "05 Do Not Honor", "N/A", "none", "-"] {
            #expect(classify("nmi", "200", text: "DECLINED", network: code).declineClass == .soft, "\(code)")
        }
    }

    @Test func aNetworksCodeSpeaksForItsGatewayAlone() {
        #expect(classify("stripe", "05").rule == "network:iso8583/05" && classify("cybersource", "51").isInsufficientFunds)
        #expect(classify("nmi", "14", text: "DECLINE").category == .hard)
        // What the text says is more exact, and what a source lists is its own.
        #expect(classify("stripe", "62", text: "Your card has insufficient funds.").isInsufficientFunds)
        #expect(!isOrder(classify("cardpointe", "41")) && !isOrder(classify("adyen", "41", text: "Refused")))
        #expect(classify("nobody", "04", text: "Declined").declineClass == .soft && classify("nmi", "5").isUnknown)
        #expect(!isOrder(classify("nmi", "200", text: "Gateway 43 declined")))
    }

    @Test(arguments: ["Response code: 51", "RC=51", "Auth response: 05", "resp_code=51", "host response 51"])
    func aSoftOneAsWell(text: String) { #expect(classify("nobody", "", text: text).declineClass == .soft) }

    @Test func aDeclineMayBeCalledSoftThatNeedsOtherData() {
        #expect(classify(text: "Soft decline 1A").category == .correctData && classify(text: "Soft decline").declineClass == .soft)
    }

    @Test(arguments: [
        "Error 43", "Code 41", "A1 DECLINED", "Order 41 declined", "Payment 43 declined", "Transaction 41 was declined", "REJECT: 43",
        "Declined 41 43",
    ])
    func anybodysNumberIsNobodysCode(text: String) { #expect(!isOrder(classify("nmi", "200", text: text))) }

    @Test func thatItWasApprovedADeclinesTextCannotMean() {
        #expect(classify("nmi", "200", text: "Card Declined (00)").declineClass == .soft)
    }

    @Test(arguments: [
        "(252)", "[252]", "\"252\"", "#252", "252,", "2/252", "2|252", "2:252", "response_code=252", "-252", "response=2&response_code=252",
    ])
    func aCodeIsFoundAmongWhatStandsAroundIt(code: String) { #expect(isOrder(classify("nmi", code)), "\(code)") }

    @Test func ofSeveralCodesTheGravestCountsAndApprovedIsNone() {
        #expect(classify("authorize.net", "1-2-1").declineClass == .soft)
        #expect(isOrder(classify("nmi", "202|252")))
    }

    @Test(arguments: ["NMI - Store A", "NMI/EMS", "EMS - NMI", "nmi - 2"])
    func aGatewayIsKnownBesideWhichOfThemItIs(source: String) { #expect(isOrder(classify(source, "252"))) }

    @Test func whereItIsNamesNoGateway() {
        for source in ["Acme - Global", "Acme/Checkout", "Acme - 2"] {
            #expect(DeclineTables.builtIn.table(of: source) == nil, "\(source)")
        }
    }
}
