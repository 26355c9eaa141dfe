import DeclineRecovery
import TestSupport
import Testing

/// The first claim wins, and what stands before a claim decides.
@Suite struct ClaimBookTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)

    /// A stream with its book.
    private struct Stream {
        var book = ClaimBook()
        var offset: Int64 = -1
        var id: UInt64 = 0

        @discardableResult
        mutating func append(
            _ act: Claim.Act, _ reference: RecoveryReference, debt: Debt? = ClaimBookTests.debt(), amount: Int64 = 4_999,
            until: Moment = ClaimBookTests.now + .days(33)
        ) -> ClaimVerdict<Int64> {
            offset += 1
            id += 1
            return book.take(
                Claim(
                    id: id, merchantID: "acme", reference: reference, debt: debt.map(Fingerprint.init(of:)),
                    amount: Money(minorUnits: amount, currency: .usd),
                    act: act, at: ClaimBookTests.now, until: until, worker: "w"), at: offset)
        }

        /// What the last of some claims is answered on a stream of their own.
        static func after(_ acts: [Claim.Act], _ reference: RecoveryReference) -> ClaimVerdict<Int64>? {
            var stream = Stream()
            return acts.map { stream.append($0, reference) }.last
        }
    }

    private static func reference(_ id: String, order: String = "A1", kind: RecoveryReference.Kind = .rerun) -> RecoveryReference {
        RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: order, kind: kind, sequence: 1)
    }

    /// The same event again, this time as a re-attempt.
    private static func otherForm(_ id: String, order: String = "A1") -> RecoveryReference {
        RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: order, kind: .recurring, sequence: 2)
    }

    private static func debt(_ charge: String? = nil) -> Debt {
        Debt(merchantID: "acme", orderID: "A1", purchaseID: nil, billingCycle: nil, chargeID: charge)
    }

    private let first = reference("d-1")
    private let second = reference("d-2")
    private let upsell = reference("d-3", kind: .sale)
    private let unsent = Claim.Act.told(Claim.Told(.skipped, .unsent))
    private let approved = Claim.Act.told(Claim.Told(.approved, .known))
    private let declined = Claim.Act.told(Claim.Told(.declined, .known))
    private let alone = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)

    @Test func whatWasToldIsNeverSentNorToldOtherwise() {
        var stream = Stream()
        #expect(stream.append(unsent, first) == alone)
        #expect(stream.append(.send(post: 1), first) == .told(0, .skipped))
        #expect(stream.append(declined, first) == .told(0, .skipped))
        #expect(stream.append(unsent, first) == .told(0, .skipped))
        #expect(stream.append(.exists(answering: nil), first) == .told(0, .skipped))
    }

    /// A corrected event, or a copy whose first post was never sent, may be for another amount and debt: that is what is paid.
    @Test(arguments: [(Claim.Act.refused(1), 2), (.unsent(1), 1)])
    func whatIsPaidIsWhatFlexFactorMayHave(ending: Claim.Act, post: Int) {
        var stream = Stream()
        #expect(stream.append(.send(post: 1), first, amount: 4_999) == alone)
        stream.append(ending, first, amount: 4_999)
        #expect(stream.append(.send(post: post), first, debt: Self.debt("upsell"), amount: 4_500) == alone)
        #expect(stream.book.first(of: Fingerprint(of: first, merchant: "acme")) == 2)
        #expect(stream.append(approved, first, debt: Self.debt("upsell"), amount: 4_500) == alone)
        #expect(stream.append(.send(post: 1), second, debt: Self.debt("upsell"), amount: 4_500) == .recovered(3))
        #expect(stream.append(.send(post: 1), Self.reference("d-3"), amount: 4_500) == alone)
    }

    /// The same decline under another reference, whatever debt it names: who comes second hears of the first.
    @Test func oneRecoveryIsMadeOfADeclineInWhateverFormItComes() {
        var stream = Stream()
        let other = Self.otherForm("d-1")
        stream.append(.send(post: 1), first)
        #expect(stream.append(.send(post: 1), other, debt: Self.debt("upsell")) == .otherForm(0, exists: false))
        #expect(stream.append(unsent, other, debt: Self.debt("upsell")) == .otherForm(0, exists: false))
        #expect(stream.append(.told(Claim.Told(.skipped, .pointer)), other, debt: Self.debt("upsell")) == alone)
        // So older workers tell it. That names the first and ends nothing of it.
        #expect(stream.append(.send(post: 1), first) == .granted(alone: false, corrects: nil))
        #expect(stream.append(approved, first) == alone)
        let third = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .sale, sequence: 0)
        #expect(stream.append(.send(post: 1), third, debt: Self.debt("third")) == .told(5, .approved))
        #expect(stream.append(unsent, third, debt: Self.debt("third")) == .told(5, .approved))
    }

    /// What was withdrawn or refused leaves the decline to its other form; from then on that one counts.
    @Test(arguments: [Claim.Act.refused(1), .unsent(1)])
    func aMendedEventMayTakeAnotherForm(ending: Claim.Act) {
        var stream = Stream()
        let other = Self.otherForm("d-1")
        stream.append(.send(post: 1), first)
        stream.append(ending, first)
        #expect(stream.append(.send(post: 1), other, debt: Self.debt("upsell")) == alone)
        #expect(stream.append(.send(post: 2), first) == .otherForm(2, exists: false))
    }

    /// Another order's decline is another, whatever its event is called.
    @Test func anEventIDThatTwoOrdersShareIsTwoDeclines() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        #expect(stream.append(.send(post: 1), Self.otherForm("d-1", order: "A2"), debt: Self.debt("A2")) == alone)
    }

    /// What FlexFactor may have stays what it is, whatever a copy with other bytes says.
    @Test func anotherAmountOfACopyChangesNothingOfWhatWasSent() {
        var stream = Stream()
        stream.append(.send(post: 1), first, amount: 4_999)
        stream.append(.send(post: 1), first, amount: 4_500)
        stream.append(approved, first)
        #expect(stream.book.first(of: Fingerprint(of: first, merchant: "acme")) == 0)
        #expect(stream.append(.send(post: 1), upsell, amount: 4_999) == .recovered(2))
    }

    @Test func nothingWasChargedIsNotSaidWhileARequestStands() {
        var stream = Stream()
        #expect(stream.append(.send(post: 1), first) == alone)
        #expect(stream.append(unsent, first) == .mayBeCharged)
        // Another copy's request of the same post.
        #expect(stream.append(.send(post: 1), first) == .granted(alone: false, corrects: nil))
        #expect(stream.append(.told(Claim.Told(.skipped, .unsent, withdrawing: 1)), first) == .mayBeCharged)
        #expect(stream.append(.unsent(3), first) == alone)
        #expect(stream.append(unsent, first) == alone)
    }

    @Test func anOrderThatExistsHasNotNeverArrived() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        #expect(stream.append(.exists(answering: nil), first) == .granted(alone: false, corrects: nil))
        let absent = Claim.Act.told(Claim.Told(.skipped, .absent))
        #expect(stream.append(absent, first) == .mayBeCharged)
        #expect(stream.append(declined, first) == alone)
        // Without such news it may be said, though a request stands: FlexFactor was asked.
        stream.append(.send(post: 1), second)
        #expect(stream.append(absent, second) == alone)
    }

    /// A pod whose clock is behind, or that has not heard of a cancel command, sends while another asks FlexFactor for the last time: what
    /// FlexFactor said before is not said of that request.
    @Test func whoAskedBeforeTheLastRequestIsSentBackToAsk() {
        var stream = Stream()
        func absent(_ seen: Claim.ID?) -> Claim.Act { .told(Claim.Told(.skipped, .absent, seen: seen)) }
        stream.append(.send(post: 1), first)
        stream.append(.send(post: 1), first)
        #expect(stream.book.standing(of: Fingerprint(of: first, merchant: "acme"))?.lastRequest == 2)
        for early: Claim.ID in [0, 1] { #expect(stream.append(absent(early), first) == .askedTooEarly) }
        #expect(stream.append(.told(Claim.Told(.expired, .known, seen: 1)), first) == .askedTooEarly)
        var paid = stream
        #expect(paid.append(.told(Claim.Told(.approved, .known, seen: 1)), first) == alone, "whatever was asked when")
        var withdrawn = stream
        withdrawn.append(.unsent(2), first)
        #expect(withdrawn.append(absent(1), first) == alone)
        #expect(stream.append(absent(2), first) == alone)
        #expect(stream.append(.send(post: 1), first) == .told(5, .skipped))
        // What nobody may have has nobody to wait for; and older workers say nothing of what they saw.
        #expect(Stream.after([absent(0)], first) == alone)
        #expect(Stream.after([.send(post: 1), absent(nil)], first) == alone)
    }

    @Test func oneRecoveryOfADebtIsOpenAtATime() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        #expect(stream.append(.send(post: 1), second) == .inRecovery(0))
        #expect(stream.append(unsent, second) == .inRecovery(0))
        #expect(stream.append(.told(Claim.Told(.skipped, .pointer)), second) == alone)
        #expect(stream.append(.send(post: 1), Self.reference("d-3"), debt: Self.debt("upsell")) == alone)
        stream.append(declined, first)
        #expect(stream.append(.send(post: 1), Self.reference("d-4")) == alone)
        // A pod that was frozen since it was refused says so too late: another copy has been sent.
        #expect(stream.append(.told(Claim.Told(.skipped, .pointer)), Self.reference("d-4")) == .mayBeCharged)
    }

    @Test func whatIsPaidIsNotPaidAgainUnlessTheMoneyWentBack() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(approved, first)
        #expect(stream.append(.send(post: 1), second) == .recovered(1))
        stream.append(.reopened(.paidBack), first, debt: nil)
        #expect(stream.append(.send(post: 1), second) == alone)
        // The decline itself stays answered.
        #expect(stream.append(.send(post: 1), first) == .told(1, .approved))
    }

    /// The first turns out paid while the second runs: that the second came to nothing lets nobody charge the debt elsewhere.
    @Test(arguments: [Claim.Basis.known, .absent]) func aFailureIsNotToldOfADebtThatAnotherPaid(basis: Claim.Basis) {
        var stream = Stream()
        let expired = Claim.Act.told(Claim.Told(.expired, basis, unlessPaid: true))
        stream.append(.send(post: 1), first)
        #expect(stream.append(expired, first) == alone)
        stream.append(.send(post: 1), second)
        stream.append(approved, first)
        #expect(stream.append(expired, second, debt: nil) == .recovered(3))
        // Older workers did not ask, and what they have told stays told.
        var older = stream
        #expect(older.append(.told(Claim.Told(.expired, basis)), second) == alone)
        var back = stream
        back.append(.reopened(.paidBack), first, debt: nil)
        #expect(back.append(expired, second) == alone)
        #expect(stream.append(.told(Claim.Told(.skipped, .known)), second) == alone)
        #expect(stream.append(expired, second) == .told(5, .skipped))
        // Money that was taken is told, whoever else has paid.
        #expect(stream.append(approved, second) == .granted(alone: true, corrects: .skipped))
    }

    /// A cycle's next re-attempt may cost less, a rerun leaves an upsell out: the charge is the same, and was paid.
    @Test(arguments: [RecoveryReference.Kind.sale, .recurring]) func aRepeatedChargeIsPaidWhateverItCostsByNow(paid: RecoveryReference.Kind)
    {
        for repeated: RecoveryReference.Kind in [.rerun, .trialCompletionRerun, .recurringRerun, .recurring] {
            var stream = Stream()
            let (sale, again) = (Self.reference("d-1", kind: paid), Self.reference("d-2", kind: repeated))
            stream.append(.send(post: 1), sale)
            stream.append(approved, sale)
            #expect(stream.append(.send(post: 1), again, amount: 3_999) == .recovered(1))
            #expect(stream.append(unsent, again, amount: 3_999) == .recovered(1))
            stream.append(.reopened(.paidBack), sale, debt: nil)
            #expect(stream.append(.send(post: 1), again, amount: 3_999) == alone)
        }
    }

    /// A CRM that names no `chargeId` charges an upsell as a sale of its own: each amount is paid once, whatever was paid in between, and what of
    /// that went back. A rerun may be of either.
    @Test(arguments: [false, true]) func firstTriesInTwoAmountsArePaidOnceEach(isUpsellPaidBack: Bool) {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(approved, first)
        #expect(stream.append(.send(post: 1), upsell, amount: 2_500) == alone)
        stream.append(approved, upsell, amount: 2_500)
        if isUpsellPaidBack { stream.append(.reopened(.paidBack), upsell, debt: nil) }
        #expect(stream.append(.send(post: 1), Self.reference("d-4", kind: .sale)) == .recovered(1))
        let other = stream.append(.send(post: 1), Self.reference("d-5", kind: .sale), amount: 2_500)
        #expect(other == (isUpsellPaidBack ? alone : .recovered(3)))
        if isUpsellPaidBack { return }
        stream.append(.reopened(.paidBack), first, debt: nil)
        #expect(stream.append(.send(post: 1), second) == .recovered(3))
        stream.append(.reopened(.paidBack), upsell, debt: nil)
        #expect(stream.append(.send(post: 1), second) == alone)
    }

    /// The money went back and the debt was rightly paid anew: neither payment is one too many.
    @Test func whatWasPaidAndWentBackIsNoSecondPayment() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(approved, first)
        stream.append(.reopened(.paidBack), first, debt: nil)
        stream.append(.send(post: 1), second)
        stream.append(approved, second)
        for reference in [first, second] {
            #expect(stream.book.standing(of: Fingerprint(of: reference, merchant: "acme"))?.isPaidByAnother(.rerun) == false)
        }
        stream.append(approved, Self.reference("d-3"))
        let third = stream.book.standing(of: Fingerprint(of: Self.reference("d-3"), merchant: "acme"))
        #expect(third?.isPaidByAnother(.rerun) == true)
    }

    /// Money that was taken twice after all: when the one is given back the other is still there.
    @Test(arguments: [0, 1]) func whatWasPaidTwiceIsPaidUntilBothWentBack(givenBackFirst: Int) {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(approved, first)
        stream.append(approved, second)
        let references = [first, second]
        stream.append(.reopened(.paidBack), references[givenBackFirst], debt: nil)
        #expect(stream.append(.send(post: 1), Self.reference("d-3")) == .recovered(givenBackFirst == 0 ? 2 : 1))
        stream.append(.reopened(.paidBack), references[1 - givenBackFirst], debt: nil)
        #expect(stream.append(.send(post: 1), Self.reference("d-3")) == alone)
    }

    /// A webhook has no debt at hand: the recovery's is known.
    @Test func aWebhooksApprovalPaysTheDebtOfItsRecovery() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        #expect(stream.append(approved, first, debt: nil) == alone)
        #expect(stream.append(.send(post: 1), second) == .recovered(1))
    }

    @Test func moneyThatWasTakenAfterAllCorrectsWhatWasTold() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(declined, first)
        #expect(stream.append(approved, first) == .granted(alone: true, corrects: .declined))
        #expect(stream.append(approved, first) == .told(2, .approved))
        #expect(stream.append(declined, first) == .told(2, .approved))
    }

    @Test func aRefusedPostIsFollowedByTheNext() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(.refused(1), first)
        #expect(stream.append(.send(post: 1), first) == .nextPost(2, refusal: 1))
        #expect(stream.append(.send(post: 2), first) == alone)
    }

    /// FlexFactor answers by the key: whoever else sent the same post is answered too.
    @Test func anAnsweredPostIsNobodysOpenRequest() {
        var stream = Stream()
        stream.append(.send(post: 1), first)
        stream.append(.send(post: 1), first)
        #expect(stream.append(.exists(answering: 1), first) == alone)
        #expect(stream.append(.send(post: 1), first) == .granted(alone: false, corrects: nil))
        stream.append(.unsent(4), first)
        #expect(stream.append(.send(post: 2), first) == alone)
    }

    @Test func aPersonsActIsToldAsACorrection() {
        var stream = Stream()
        stream.append(unsent, first)
        #expect(stream.append(.reopened(.byOperator(who: "Ada", why: "the CRM agrees")), first) == alone)
        #expect(stream.append(.send(post: 1), first) == alone)
        #expect(stream.append(approved, first) == .granted(alone: true, corrects: .skipped))
        // What was paid is nobody's to open.
        stream.append(.reopened(.byOperator(who: "Ada", why: "again")), first)
        #expect(stream.append(.send(post: 2), first) == .told(3, .approved))
    }

    @Test func whatCannotComeAgainIsForgotten() {
        var stream = Stream()
        stream.append(.send(post: 1), first, until: Self.now + .days(1))
        stream.append(unsent, second, debt: Self.debt("other"), until: Self.now + .days(3))
        stream.book.forget(before: Self.now + .days(2))
        #expect(stream.book.count == 1 && stream.book.openCount == 0)
        #expect(stream.append(unsent, second) == .told(1, .skipped))
    }

    /// Whatever is claimed by whomever in whatever order: at most one request stands granted after an end, one end is told, and a debt has one
    /// recovery at a time.
    @Test func noOrderOfClaimsBreaksTheRules() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<4_000 {
            var stream = Stream()
            var ended: [RecoveryReference: ResultKind] = [:]
            var standing: [RecoveryReference: Set<UInt64>] = [:]
            var paid: RecoveryReference?
            for _ in 0..<Int.random(in: 1...25, using: &random) {
                let reference = Bool.random(using: &random) ? first : second
                let other = reference == first ? second : first
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    guard case .granted = stream.append(.send(post: 1), reference) else { continue }
                    #expect(ended[reference] == nil && paid == nil && (standing[other] ?? []).isEmpty)
                    standing[reference, default: []].insert(stream.id)
                case 2:
                    guard let own = standing[reference]?.randomElement(using: &random) else { continue }
                    stream.append(.unsent(own), reference)
                    standing[reference]?.remove(own)
                case 3:
                    guard stream.append(unsent, reference) == alone else { continue }
                    #expect(ended[reference] == nil && (standing[reference] ?? []).isEmpty && (standing[other] ?? []).isEmpty)
                    ended[reference] = .skipped
                default:
                    guard !(standing[reference] ?? []).isEmpty else { continue }
                    let isPaid = Bool.random(using: &random)
                    guard stream.append(isPaid ? approved : declined, reference) == alone else { continue }
                    #expect(ended[reference] == nil)
                    ended[reference] = isPaid ? .approved : .declined
                    if isPaid { paid = reference }
                    standing[reference] = []
                }
            }
        }
    }

    @Test(arguments: [
        Claim.Act.send(post: 3), .unsent(77), .waiting, .exists(answering: nil), .exists(answering: .max), .refused(1),
        .told(.init(.approved, .known)),
        .told(.init(.skipped, .unsent, withdrawing: 5)), .told(.init(.skipped, .absent, seen: 0)),
        .told(.init(.expired, .known, seen: .max, unlessPaid: true)), .reopened(.paidBack),
        .reopened(.byOperator(who: "Ada", why: "they agree")),
        .moneyBack(MoneyBackClaim(Fingerprint("r"), .send(round: 2))), .moneyBack(MoneyBackClaim(Fingerprint("r"), .unsent(round: 0))),
        .moneyBack(MoneyBackClaim(Fingerprint("r"), .told(.refundFailed, round: 1, isWhole: true))),
        .moneyBack(MoneyBackClaim(Fingerprint("r"), .news(isWhole: true, isLate: false))),
    ])
    func whatTravelsComesBack(act: Claim.Act) throws {
        let record = ClaimRecord(
            Claim(
                id: .max - 3, merchantID: "acme", reference: first, debt: Fingerprint(of: Self.debt("x")),
                amount: Money(minorUnits: 1, currency: .usd), act: act,
                at: Self.now, until: Self.now + .days(1), worker: "salvage host 1"), result: Array(#"{"id":"a \"quoted\" one"}"#.utf8))
        #expect(ClaimRecord.decode(record.encoded()) == record)
    }

    @Test func fingerprintsKeepTheBordersOfTheirParts() throws {
        let several = [
            Fingerprint("ab", "c"), Fingerprint("a", "bc"), Fingerprint("abc"), Fingerprint("abc", nil), Fingerprint("abc", ""),
            Fingerprint(nil, "abc"),
        ]
        #expect(Set(several).count == several.count)
        #expect(try #require(Fingerprint(hex: several[0].hex)) == several[0])
    }
}
