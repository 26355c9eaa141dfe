import TestSupport
import Testing

@testable import DeclineRecovery

/// The grammar of response texts, by its own examples and by what people write.
@Suite struct TextRulesTests {
    private var texts: TextRules { DeclineTables.builtIn.texts }

    @Test func everyRuleDecidesItsExamplesAndNoCounterExample() {
        #expect(Set(texts.rules.map(\.name)).count == texts.rules.count)
        for rule in texts.rules {
            #expect(!rule.examples.isEmpty, "\(rule.name) has no example")
            for example in rule.examples { #expect(texts.rule(for: example)?.name == rule.name, "\(rule.name): \(example)") }
            for example in rule.counterExamples { #expect(texts.rule(for: example)?.name != rule.name, "\(rule.name), not: \(example)") }
        }
    }

    /// What was heard before is remembered, and many texts fall to one place: none of them gets another's meaning.
    @Test func whatIsRememberedMeansWhatItMeant() {
        var random = SeededRandom(seed: 7)
        let pieces = texts.rules.flatMap(\.examples) + ["AVS: Y", "do not honor", "DO NOT HONOR", "é", "e\u{301}", ""]
        let said = (0..<2_000).map { _ in
            (0..<Int.random(in: 1...2, using: &random)).compactMap { _ in pieces.randomElement(using: &random) }.joined(separator: ", ")
        }
        let memory = HeardTexts()
        let rule = texts.rules.first
        for _ in 0..<3 {
            for text in said.shuffled(using: &random) {
                func hear(_ text: String) -> HeardTexts.Heard { HeardTexts.Heard(text, [text], longWords: [], rule) }
                #expect(memory.heard(text, otherwise: hear).words.first.map { Array($0.utf8) } == Array(text.utf8))
            }
        }
    }

    /// A terminal's line is short, and what it abbreviates never makes a decline milder.
    @Test(arguments: [
        ("DECLINE - LOST CRD", "lost_or_stolen"), ("HLD CRD", "pick_up"), ("ACCT CLSD", "closed_account"), ("STP PMT", "stop_payments"),
        ("SUSP FRD", "suspected_fraud"), ("INSF FUNDS", "insufficient_funds"), ("EXCD LMT", "limit"), ("TXN DCLND", "generic_decline"),
        ("PERM DECL", "hard_decline"), ("CRD NOT REPORTED STOLN", "unknown"),
    ])
    func abbreviationsAreWrittenOut(text: String, rule: String) {
        #expect(texts.rule(for: text)?.name ?? "unknown" == rule)
    }

    /// Some send their reasons without blanks. What is no reason, or is made of such words in part, stays one word.
    @Test(arguments: [
        ("RETAINCARD", "pick_up"), ("Declined: RETAINCARD", "pick_up"), ("STOPPAYMENTORDER", "stop_payments"),
        ("HARDCAPTUREPICKUPCARD", "pick_up"), ("CARDALREADYCLOSED", "closed_account"), ("REVERSALUNSUCCESSFUL", "undo_failed"),
        ("EXPIREDCARD", "expired"), ("CALLISSUER", "call_issuer"), ("CARDVELOCITYEXCEEDED", "limit"),
        ("ISSUERNOTAVAILABLE", "issuer_unavailable"), ("INVALIDMERCHANTID", "this_account"),
        ("NOTLOSTORSTOLEN", "unknown"), ("DONOTRETAIN", "unknown"), ("RETAINCARDX", "unknown"), ("RETAINER", "unknown"),
        ("STOLENBIKES", "unknown"), ("DISCARDCARD", "unknown"), ("TRANSFERRED", "unknown"), ("PASSPORT", "unknown"),
        ("THEREFORE", "unknown"), ("APPROXIMATELY", "unknown"), ("Declined by the issuer of CARDNOTRETAINCARD", "generic_decline"),
    ])
    func wordsWithoutBlanksAreTakenApart(text: String, rule: String) {
        #expect(texts.rule(for: text)?.name ?? "unknown" == rule)
    }

    /// Capitals may begin no word, and characters that nobody sees stand in none.
    @Test(arguments: [
        ("dO NoT HoNoR", "do_not_honor"), ("pIcK Up cArD", "pick_up"), ("iNsUfFiCiEnT FuNdS", "insufficient_funds"),
        ("qUiCk bRoWn fOx", "unknown"), ("Stol\u{AD}en card", "lost_or_stolen"), ("Sto\u{200B}len\u{200B} card", "lost_or_stolen"),
        ("\u{FEFF}Revo\u{2060}cation of authorization order", "revoked"), ("Do\u{A0}Not\u{A0}Honor", "do_not_honor"),
    ])
    func capitalsAndUnseenCharactersHideNothing(text: String, rule: String) {
        #expect(texts.rule(for: text)?.name ?? "unknown" == rule)
    }

    /// Where it is said that a text shares none of some words, it has none of them, however it is written.
    @Test(arguments: ["Jürgen", "J&uuml;rgen", "J%C3%BCrgen", #"J\u00fcrgen"#])
    func aWordIsFoundHoweverItIsWritten(text: String) {
        #expect(TextWords.split(text) == ["jurgen"])
        #expect(TextWords.mayShare(["jurgen"], with: text))
    }

    @Test func severityComesFirst() {
        let order = texts.rules.map(\.category)
        let never = order.lastIndex(of: .never) ?? 0
        #expect(order.firstIndex(of: .outcomeUnknown).map { $0 > never } == true)
        #expect(texts.rule(for: "Declined, insufficient funds, do not try again")?.category == .never)
        #expect(texts.rule(for: "Declined: insufficient funds, call your bank")?.isInsufficientFunds == true)
    }

    @Test(arguments: [
        ("DO_NOT_HONOR.", "do_not_honor"), ("Do+Not+Honor", "do_not_honor"), ("do%20not%20honour", "do_not_honor"),
        ("DoNotHonor", "do_not_honor"),
        ("Do  Not\tHonour", "do_not_honor"), ("Fonds insuffisants", "insufficient_funds"),
        ("fondos&nbsp;insuficientes", "insufficient_funds"),
        ("Carte vol&eacute;e", "lost_or_stolen"), ("Carte vole&#769;e", "lost_or_stolen"), ("Cartão roubado", "lost_or_stolen"),
        ("Transação não autorizada", "generic_decline"), ("Karte abgelaufen", "expired"), ("Saldo insuficiente", "insufficient_funds"),
        ("Operazione rifiutata", "generic_decline"), ("LLAMAR AL EMISOR", "call_issuer"), ("Do Not Honor (AVS:Y CVV:M)", "do_not_honor"),
        ("Card is expired; AVS result N", "expired"), ("Don’t retry", "do_not_try_again"),
        ("HARD_DECLINE", "hard_decline"), ("Hard Decline - insufficient funds", "insufficient_funds"), ("Soft Decline", "generic_decline"),
        ("HOLD-CALL", "hold_call"), ("Declined, or the gateway's risk engine blocked the payment", "generic_decline"),
        ("Exceeds cash limit", "limit"), ("Card issuer timed out.", "issuer_unavailable"), ("Yetersiz bakiye", "insufficient_funds"),
        ("Transaction succeeded (please review manually due to external risk check)", "held_for_review"),
        ("Not authenticated", "authentication"),
        ("Instruction cancelled by payer", "stop_payments"), ("Transaction cancelled by payer", "generic_decline"),
        ("Representative payee deceased", "closed_account"), ("Blocked credit card", "restricted_card"),
        ("An error occurred, reason not specified", "technical"), ("79 : Life Cycle", "new_card"), ("Carte volÃ©e", "lost_or_stolen"),
    ])
    func textsAreReadAsPeopleWriteThem(text: String, rule: String) {
        #expect(texts.rule(for: text)?.name == rule)
    }

    /// Words of Cyrillic and Arabic, and characters of those who write without blanks.
    @Test(arguments: [
        ("Недостаточно средств на карте", "insufficient_funds"), ("НЕДОСТАТОЧНО СРЕДСТВ", "insufficient_funds"),
        ("Недостатньо коштів", "insufficient_funds"), ("Срок действия карты истёк", "expired"), ("Карта украдена", "lost_or_stolen"),
        ("Потеряна связь с банком", "issuer_unavailable"), ("Операция отклонена банком", "generic_decline"),
        ("Карта временно заблокирована", "technical"),
        ("余额不足", "insufficient_funds"), ("餘額不足", "insufficient_funds"), ("没收卡", "pick_up"), ("挂失卡(没收卡)", "lost_or_stolen"),
        ("发卡方超时", "issuer_unavailable"), ("交易超时，请重试", "timed_out"), ("您的卡被拒绝。", "generic_decline"), ("无效商户", "this_account"),
        ("カードが拒否されました。別のカードをお試しください。", "generic_decline"), ("カード残高が不足しています", "insufficient_funds"),
        ("ト\u{3099}メインエラー。カート\u{3099}番号が正しくありません。", "no_such_card"), ("カードの処理中にエラーが発生しました。", "technical"),
        ("このカードは盗難届が出ています", "lost_or_stolen"), ("잔액 부족", "insufficient_funds"), ("잔액부족", "insufficient_funds"),
        ("도난 카드", "lost_or_stolen"), ("بطاقة مسروقة", "lost_or_stolen"), ("البطاقة مَسروقَة", "lost_or_stolen"),
        ("حاول مرة أخرى", "try_again"), ("لا تحاول مرة أخرى", "do_not_try_again"), ("رصيد غير كافٍ", "insufficient_funds"),
        ("บัตรถูกขโมย", "lost_or_stolen"), ("ยอดเงินในบัตรไม่เพียงพอ", "insufficient_funds"), ("ธนาคารปฏิเสธรายการ", "generic_decline"),
        ("Thẻ không đủ số dư", "insufficient_funds"), ("Tranzacție respinsă", "generic_decline"),
        ("Tranzacţie respinsă", "generic_decline"),
        ("Κλεμμένη κάρτα", "lost_or_stolen"), ("ΚΛΕΜΜΕΝΗ ΚΑΡΤΑ", "lost_or_stolen"), ("Ανεπαρκε\u{301}ς υπόλοιπο", "insufficient_funds"),
        ("Μην προσπαθήσετε ξανά", "do_not_try_again"), ("Προσπαθήστε ξανά αργότερα", "try_again"),
        ("גנוב, החרם כרטיס", "lost_or_stolen"), ("אין מספיק יתרה", "insufficient_funds"), ("חֲרִיגָה מִמִּסְגֶּרֶת", "limit"),
        ("अपर्याप्त शेष", "insufficient_funds"), ("धोखाधड़ी का संदेह", "suspected_fraud"), ("धोखाधड\u{93C}ी", "suspected_fraud"),
        ("कृपया बाद में पुनः प्रयास करें", "try_again"), ("पुनः प्रयास न करें", "do_not_try_again"),
        ("Қаражат жеткіліксіз", "insufficient_funds"), ("ҚАРАЖАТ ЖЕТКІЛІКСІЗ", "insufficient_funds"),
        ("Balansda kifayət qədər vəsait yoxdur", "insufficient_funds"),
        // Read as Windows-1252 on their way, escaped as JSON does, or with letters lost.
        ("NÃ£o tente novamente", "do_not_try_again"), ("N\\u00e3o tente novamente", "do_not_try_again"),
        ("N?o tente novamente", "do_not_try_again"), ("N\u{FFFD}o tente novamente", "do_not_try_again"),
        ("\u{D0}\u{A3}\u{D1}\u{201A}\u{D0}\u{B5}\u{D1}\u{20AC}\u{D1}\u{8F}\u{D0}\u{BD}\u{D0}\u{B0}", "lost_or_stolen"),
        ("TransacciÃ³n denegada", "generic_decline"), ("Ä°ÅŸlem reddedildi", "generic_decline"),
        ("Niet opnieuw proberen", "do_not_try_again"), ("Nu reîncercați", "do_not_try_again"), ("Încercați din nou", "try_again"),
    ])
    func otherScriptsAreReadToo(text: String, rule: String) {
        #expect(texts.rule(for: text)?.name ?? "unknown" == rule)
    }

    @Test func aWordIsAWord() {
        #expect(texts.rule(for: "transfer") == nil)
        #expect(texts.rule(for: "Invalid reference number")?.name != "call_issuer")
        #expect(texts.rule(for: "") == nil && texts.rule(for: "   ") == nil && texts.rule(for: "1234567") == nil)
    }

    @Test func aNoTurnsItAround() {
        #expect(texts.rule(for: "not declined")?.category == .notADecline)
        #expect(texts.rule(for: "not reported stolen")?.category != .never)
        #expect(texts.rule(for: "Не отклонено") == nil)
        for text in ["Do not re-try", "DO NOT REATTEMPT", "must not be retried", "dont try again"] {
            #expect(texts.rule(for: text)?.category == .never, "\(text)")
        }
    }

    @Test func aNoThatAnswersAQuestionDeniesNothing() {
        for text in ["Approved: no (lost card)", "Retry: no. Stolen card", "authorized=no, pick up card", "retryable=false; do not honor"] {
            #expect(texts.rule(for: text)?.category == .never, "\(text)")
        }
        #expect(texts.rule(for: "Success: no, insufficient funds")?.isInsufficientFunds == true)
        #expect(texts.rule(for: "Approved: no")?.category != .notADecline)
    }

    /// A "no" reaches to the end of its clause.
    @Test func aNoDeniesNothingOfTheNextClause() {
        for text in [
            "Declined. Recurring: no. Lost card", "Declined | Liability shift: No | Stolen card", "DECLINED - CVV match: no - pick up card",
            #"{"declined":true,"recurring":"no","stolen_card":true}"#, "EMV: no  Pick up card", "Повтор: нет. Карта украдена",
        ] {
            #expect(texts.rule(for: text)?.category == .never, "\(text)")
        }
        for text in ["Declined, not stolen.", "Declined, no stolen card report", "Card status: not stolen. Declined"] {
            #expect(texts.rule(for: text)?.category == .softNow, "\(text)")
        }
        // Nobody else sees the mark.
        #expect(TextWords.split("Recurring: no. Lost card") == ["recurring", "no", "lost", "card"])
        #expect(texts.heard("Recurring: no. Lost card").words == ["recurring", "no", "lost", "card"])
        #expect(texts.heard("Recurring: no. Lost card").longWords == ["recurring", "lost", "card"])
    }

    @Test func noTextTakesLong() {
        let hostile = String(repeating: "stop payment do not declined not ", count: 200)
        #expect(threadTime { _ = texts.rule(for: hostile) } < 2_000_000_000)
    }
}
