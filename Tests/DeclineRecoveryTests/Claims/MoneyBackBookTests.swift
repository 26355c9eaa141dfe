import DeclineRecovery
import TestSupport
import Testing

/// A command to refund is carried out once and told once, and the news of it is no second refund.
@Suite struct MoneyBackBookTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)

    private struct Stream {
        var book = ClaimBook()
        var offset: Int64 = -1
        let debt = Debt(merchantID: "acme", orderID: "A1", purchaseID: nil, billingCycle: nil, chargeID: nil)

        static func reference(_ id: String) -> RecoveryReference {
            RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: .sale, sequence: 0)
        }

        @discardableResult
        mutating func append(
            _ act: Claim.Act, of decline: String = "d-1", amount: Int64? = nil, until: Moment = MoneyBackBookTests.now + .days(33)
        ) -> ClaimVerdict<Int64> {
            offset += 1
            let isRefund = if case .moneyBack = act { true } else { false }
            let claim = Claim(
                id: UInt64(offset + 1), merchantID: "acme", reference: Self.reference(decline),
                debt: isRefund ? nil : Fingerprint(of: debt),
                amount: isRefund ? amount.map { Money(minorUnits: $0, currency: .usd) } : Money(minorUnits: 4_999, currency: .usd),
                act: act,
                at: MoneyBackBookTests.now, until: until, worker: "w")
            // What travels is what is read.
            return book.take(ClaimRecord.decode(ClaimRecord(claim).encoded())!.claim, at: offset)
        }

        @discardableResult
        mutating func refund(_ id: String, _ step: MoneyBackClaim.Step, amount: Int64? = nil) -> ClaimVerdict<Int64> {
            append(.moneyBack(MoneyBackClaim(Fingerprint(id), step)), amount: amount)
        }

        mutating func pay() { append(.told(Claim.Told(.approved, .known))) }
        /// Whether another decline of the debt may be charged.
        mutating func isDebtOpen() -> Bool { if case .granted = append(.send(post: 1), of: "d-\(offset)") { true } else { false } }
    }

    private let granted = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)
    /// Another command's request stands before it.
    private let grantedBeside = ClaimVerdict<Int64>.granted(alone: false, corrects: nil)

    @Test func oneRequestStandsAtATime() {
        var stream = Stream()
        #expect(stream.refund("r-1", .send(round: 1), amount: 500) == granted)
        #expect(stream.refund("r-1", .send(round: 1), amount: 500) == .mayBeCharged)
        // Another command is another refund, and knows of the first.
        #expect(stream.refund("r-2", .send(round: 1), amount: 700) == grantedBeside)
        let back = stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
        #expect(back?.askers == 2 && back?.asked == 1_200)
        #expect(stream.refund("r-2", .unsent(round: 1)) == granted)
        #expect(stream.refund("r-1", .unsent(round: 1)) == granted)
        #expect(stream.refund("r-1", .send(round: 1), amount: 500) == granted)
        #expect(stream.refund("r-1", .send(round: 2), amount: 500) == granted, "it was seen that the first did nothing")
        #expect(
            stream.refund("r-1", .send(round: 1), amount: 500) == .mayBeCharged
                && stream.refund("r-1", .send(round: 2), amount: 500) == .mayBeCharged)
        #expect(
            stream.refund("r-1", .unsent(round: 1)) == granted && stream.refund("r-1", .send(round: 2)) == .mayBeCharged,
            "nobody withdraws another round")
    }

    @Test func whatWasToldIsToldAgain() {
        var stream = Stream()
        stream.refund("r-1", .send(round: 1), amount: 500)
        #expect(stream.refund("r-1", .told(.refundFailed, round: 0, isWhole: false)) == .mayBeCharged, "somebody asks for it now")
        #expect(stream.refund("r-1", .told(.refunded, round: 1, isWhole: false)) == granted)
        for step in [
            MoneyBackClaim.Step.send(round: 1), .send(round: 2), .unsent(round: 0), .told(.refundFailed, round: 0, isWhole: false),
        ] {
            #expect(stream.refund("r-1", step) == .told(2, .refunded))
        }
        #expect(stream.refund("r-2", .told(.refundFailed, round: 0, isWhole: false)) == granted)
        #expect(stream.refund("r-2", .send(round: 1)) == .told(7, .refundFailed))
    }

    /// FlexFactor lists the order as returned: that says all of it, whatever else is told of it afterwards.
    @Test func whatTheListShowsIsToldOnceAndNothingBesideIt() {
        var stream = Stream()
        stream.pay()
        func back() -> ClaimBook.Standing.MoneyBack? {
            stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
        }
        let listed = MoneyBackClaim.Step.listed(beside: 500, isLate: false)
        stream.refund("w-1", .news(isWhole: false, isLate: false), amount: 500)
        #expect(back()?.refunded == 500 && back()?.isAll == false)
        stream.refund("r-1", .send(round: 1), amount: 700)
        #expect(stream.refund(WebhookNews.listed, listed, amount: 4_499) == .mayBeCharged, "a command asks for some of it now")
        let late = MoneyBackClaim.Step.listed(beside: 500, isLate: true)
        #expect(
            stream.refund(WebhookNews.listed, .listed(beside: 0, isLate: true), amount: 4_999) == .mayBeCharged,
            "its teller has not heard of the part")
        #expect(stream.refund(WebhookNews.listed, late, amount: 4_499) == granted)
        let told = stream.offset
        #expect(back()?.refunded == 4_999 && back()?.isAll == true && stream.isDebtOpen())
        #expect(
            stream.refund("r-1", .send(round: 1), amount: 700) == .mayBeCharged, "what may have been carried out is not asked for again")
        // The list of the next day, the webhook that was late, and the command's own end.
        for (id, step) in [
            (WebhookNews.listed, late), ("w-2", .news(isWhole: true, isLate: false)), ("r-1", .told(.refunded, round: 1, isWhole: true)),
        ] {
            #expect(stream.refund(id, step, amount: 700) == .told(told, .refunded))
        }
        #expect(
            stream.refund("w-1", .news(isWhole: false, isLate: false), amount: 500) == .told(1, .refunded),
            "what was told before it is told as it was")
        #expect(stream.refund("r-2", .told(.refundFailed, round: 0, isWhole: false)) == granted, "that FlexFactor refuses is told")
        #expect(back()?.refunded == 4_999)
    }

    @Test func whatIsBackAlreadyIsNotListed() {
        var stream = Stream()
        stream.pay()
        stream.refund("w-1", .news(isWhole: true, isLate: false), amount: 4_999)
        #expect(stream.refund(WebhookNews.listed, .listed(beside: 4_999, isLate: true)) == .mayBeCharged)
        #expect(stream.refund(WebhookNews.listed, .listed(beside: 0, isLate: true), amount: 4_999) == .mayBeCharged)
    }

    @Test func aChargebackIsToldOnceWhoeverShowsIt() {
        for (first, second) in [("c-1", WebhookNews.listed), (WebhookNews.listed, "c-1"), ("c-1", "c-1")] {
            var stream = Stream()
            stream.pay()
            #expect(stream.append(.moneyBack(.chargeback(first, isWhole: false)), amount: 500) == granted)
            #expect(stream.append(.moneyBack(.chargeback(second, isWhole: true))) == .told(1, .chargeback))
        }
        var stream = Stream()
        stream.append(.moneyBack(.chargeback("c-1", isWhole: false)))
        #expect(stream.append(.moneyBack(.chargeback("c-2", isWhole: false))) == granted, "two disputes are two")
        #expect(stream.refund("r-1", .told(.refunded, round: 0, isWhole: false)) == granted)
    }

    /// It counts from the moment it is known, is told when it is wanted, whoever shows it then, and once.
    @Test func aChargebackThatWasNotToldIsToldOnceItIsWanted() {
        for (first, second) in [("c-1", WebhookNews.listed), (WebhookNews.listed, "c-1"), ("c-1", "c-1")] {
            var stream = Stream()
            stream.pay()
            func back() -> ClaimBook.Standing.MoneyBack? {
                stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
            }
            let amount: Int64? = first == "c-1" ? 500 : nil
            #expect(stream.append(.moneyBack(.chargeback(first, isWhole: false, isTold: false)), amount: amount) == granted)
            #expect(back()?.disputed == amount && back()?.isDisputed == true && back()?.isDisputeTold == false)
            #expect(stream.append(.moneyBack(.chargeback(second, isWhole: false, isTold: false)), amount: 500) == .told(1, .chargeback))
            #expect(stream.append(.moneyBack(.chargeback(second, isWhole: false)), amount: 500) == granted)
            #expect(back()?.disputed == 500 && back()?.isDisputeTold == true)
            for isTold in [true, false] {
                #expect(stream.append(.moneyBack(.chargeback(first, isWhole: false, isTold: isTold))) == .told(3, .chargeback))
            }
        }
    }

    /// Two systems of the CRM may number their commands alike. A worker of the version before tells them apart by the id alone, and what it
    /// claimed may be either's.
    @Test func commandsOfTwoSourcesAreTwo() {
        func claim(_ source: String?, _ step: MoneyBackClaim.Step) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint("1001"), command: source.map { Fingerprint($0, "1001") }, step))
        }
        var two = Stream()
        #expect(two.append(claim("agents", .send(round: 1)), amount: 1_000) == granted)
        #expect(two.append(claim("self-service", .send(round: 1)), amount: 1_500) == grantedBeside)
        #expect(two.append(claim("agents", .told(.refunded, round: 1, isWhole: false))) == granted)
        #expect(two.append(claim("self-service", .send(round: 1)), amount: 1_500) == .mayBeCharged)
        #expect(two.append(claim("self-service", .told(.refunded, round: 1, isWhole: false))) == granted)
        #expect(two.append(claim("agents", .send(round: 1))) == .told(2, .refunded))
        #expect(two.append(claim("self-service", .send(round: 1))) == .told(4, .refunded))

        // Whoever came first, the other version's worker gives nothing back for the same command.
        for (first, second) in [(nil, "agents"), ("agents", nil)] as [(String?, String?)] {
            var mixed = Stream()
            #expect(mixed.append(claim(first, .send(round: 1)), amount: 1_000) == granted)
            #expect(mixed.append(claim(second, .send(round: 1)), amount: 1_000) == .mayBeCharged)
            #expect(mixed.append(claim(second, .told(.refundFailed, round: 0, isWhole: false))) == .mayBeCharged)
            #expect(mixed.append(claim(second, .send(round: 2)), amount: 1_000) == granted, "it was seen that the first did nothing")
            #expect(mixed.append(claim(second, .told(.refundFailed, round: 2, isWhole: false))) == granted)
            #expect(mixed.append(claim(first, .send(round: 3)), amount: 1_000) == .told(4, .refundFailed))
        }
    }

    @Test func whatChargebacksTookIsRemembered() {
        var stream = Stream()
        stream.pay()
        func disputed() -> Int64? { stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back.disputed }
        #expect(disputed() == 0)
        stream.append(.moneyBack(.chargeback("c-1", isWhole: false)), amount: 500)
        stream.append(.moneyBack(.chargeback("c-1", isWhole: false)), amount: 500)
        stream.append(.moneyBack(.chargeback("c-2", isWhole: false)), amount: 700)
        stream.refund("r-1", .send(round: 1), amount: 100)
        #expect(disputed() == 1_200)
        stream.append(.moneyBack(.chargeback("c-3", isWhole: false)))
        #expect(disputed() == nil)
    }

    /// What a command gave back is told by the command: news of it are placed with it by their amount, each with one.
    @Test func newsOfACommandIsNoSecondRefund() {
        var stream = Stream()
        for command in ["r-1", "r-2"] {
            stream.refund(command, .send(round: 1), amount: 500)
            #expect(
                stream.refund("n-early", .news(isWhole: false, isLate: false), amount: 500)
                    == (command == "r-1" ? .mayBeCharged : .told(2, .refunded)))
            stream.refund(command, .told(.refunded, round: 1, isWhole: false))
        }
        #expect(stream.refund("n-early", .news(isWhole: false, isLate: false), amount: 500) == .told(2, .refunded))
        #expect(stream.refund("n-2", .news(isWhole: false, isLate: false), amount: 500) == .told(5, .refunded))
        // Two commands gave back 500 each; a third one was made in FlexFactor's portal.
        #expect(stream.refund("n-3", .news(isWhole: false, isLate: false), amount: 500) == granted)
        #expect(stream.refund("n-3", .news(isWhole: true, isLate: false)) == .told(8, .refunded), "as it was, whatever it looks like now")
        #expect(stream.refund("n-4", .news(isWhole: false, isLate: false), amount: 700) == granted)
        #expect(stream.refund("n-2", .news(isWhole: false, isLate: true), amount: 500) == .told(5, .refunded))
    }

    /// The command knows in which unit its news are written.
    @Test func newsOfTwoReadingsIsThatOfTheCommandThatAskedForOne() {
        func news(_ id: String, isLate: Bool = false) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint(id), readings: [20, 2_000], .news(isWhole: false, isLate: isLate)))
        }
        for asked in [20, 2_000] as [Int64] {
            var stream = Stream()
            stream.pay()
            stream.refund("r-0", .send(round: 1), amount: 500)
            stream.refund("r-0", .told(.refunded, round: 1, isWhole: false))
            stream.refund("r-1", .send(round: 1), amount: asked)
            #expect(stream.append(news("n-1")) == .mayBeCharged)
            stream.refund("r-1", .told(.refunded, round: 1, isWhole: false))
            let told = ClaimVerdict<Int64>.told(5, .refunded)
            #expect(stream.append(news("n-1")) == told && stream.append(news("n-1", isLate: true)) == told)
            #expect(stream.append(news("n-2")) == granted, "another refund, of an amount that is not known")
        }
    }

    /// Where a command cannot say what became of it, the news does; and the command tells the same when it can after all.
    @Test func lateNewsTellsForTheCommand() {
        var stream = Stream()
        stream.refund("r-1", .send(round: 1), amount: 500)
        #expect(stream.refund("n-1", .news(isWhole: false, isLate: true), amount: 500) == granted)
        #expect(stream.refund("r-1", .told(.refunded, round: 1, isWhole: false)) == .told(1, .refunded))
        #expect(stream.refund("r-1", .unsent(round: 0)) == .told(1, .refunded), "nor is it given up")
    }

    /// News may not say how much went back. The command says it in whose place they are told, and their teller must have heard of it.
    @Test func lateNewsOfNoAmountAreOfWhatTheCommandAskedFor() {
        func news(_ id: String, asked: Int64?) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint(id), asked: asked, .news(isWhole: false, isLate: true)))
        }
        var stream = Stream()
        stream.pay()
        func back() -> ClaimBook.Standing.MoneyBack? {
            stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
        }
        #expect(stream.append(news("n-1", asked: 500)) == .mayBeCharged, "no command asks for that any more")
        stream.refund("r-1", .send(round: 1), amount: 500)
        #expect(back()?.asked(byNewsOf: []) == 500 && back()?.asked(byNewsOf: [5, 500]) == 500 && back()?.asked(byNewsOf: [7, 700]) == 0)
        #expect(stream.append(news("n-1", asked: 0)) == .mayBeCharged, "its teller has not heard of the command")
        #expect(stream.append(news("n-1", asked: 500)) == granted)
        #expect(stream.refund("r-1", .told(.refunded, round: 1, isWhole: false)) == .told(4, .refunded))
        #expect(stream.append(news("n-1", asked: 0)) == .told(4, .refunded) && back()?.refunded == 500)
        #expect(back()?.asked(byNewsOf: []) == 0)
        #expect(stream.append(news("n-2", asked: 0)) == granted && back()?.refunded == nil, "another refund, from FlexFactor's portal")
        // An older worker says nothing of commands.
        stream.refund("r-2", .send(round: 1), amount: 700)
        #expect(back()?.mostAsked(byNewsOf: []) == nil)
        stream.refund("r-3", .send(round: 1), amount: 900)
        #expect(
            back()?.asked(byNewsOf: []) == 700 && back()?.mostAsked(byNewsOf: []) == 900 && back()?.mostAsked(byNewsOf: [7, 700]) == nil)
        #expect(stream.append(news("n-3", asked: nil)) == granted)
    }

    /// FlexFactor shows that something is left, so it is not what the command asked for. That may show a moment later than the news come.
    @Test func newsOfLessThanAllAreNotOfACommandForAll() {
        func news(_ id: String, asked: Int64, isLate: Bool = true) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint(id), asked: asked, lessThan: 4_999, .news(isWhole: false, isLate: isLate)))
        }
        var stream = Stream()
        stream.pay()
        stream.refund("r-1", .send(round: 1), amount: 4_999)
        func back() -> ClaimBook.Standing.MoneyBack? {
            stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
        }
        #expect(back()?.asked(byNewsOf: [], lessThan: 4_999) == 0 && back()?.asked(byNewsOf: []) == 4_999)
        #expect(stream.append(news("n-1", asked: 0, isLate: false)) == .mayBeCharged)
        #expect(stream.append(news("n-1", asked: 4_999)) == .mayBeCharged, "it is of none that can be it")
        #expect(stream.append(news("n-1", asked: 0)) == granted)
        #expect(back()?.askers == 1 && back()?.refunded == nil && back()?.isRefundedAsked == false)
        #expect(stream.isDebtOpen() == false)
        // Of two commands it is the one that asked for less.
        stream.refund("r-2", .send(round: 1), amount: 700)
        #expect(back()?.asked(byNewsOf: [], lessThan: 4_999) == 700 && back()?.mostAsked(byNewsOf: [], lessThan: 4_999) == nil)
        #expect(stream.append(news("n-2", asked: 700)) == granted && back()?.asks == [4_999] && back()?.isRefundedAsked == true)
    }

    /// A command's refund was told, and its news come behind another command's request, which may never be carried out.
    @Test func newsOfNoAmountAreOfWhatWasTold() {
        var stream = Stream()
        stream.pay()
        stream.refund("r-1", .send(round: 1), amount: 700)
        stream.refund("r-1", .told(.refunded, round: 1, isWhole: false), amount: 700)
        stream.refund("r-2", .send(round: 1), amount: 500)
        func back() -> ClaimBook.Standing.MoneyBack? {
            stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.back
        }
        #expect(back()?.asked(byNewsOf: []) == 0 && back()?.asked(byNewsOf: [5, 500]) == 500)
        func news(_ id: String, asked: Int64?) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint(id), asked: asked, .news(isWhole: false, isLate: true)))
        }
        #expect(stream.append(news("n-1", asked: 0)) == .told(2, .refunded))
        #expect(back()?.asked(byNewsOf: []) == 500 && back()?.refunded == 700)
    }

    /// FlexFactor may send news again with the time of that: by what tells one from another they look like another of as much.
    @Test func newsThatAreSentAgainWithAnotherTimeAreNoSecondRefund() {
        func news(_ id: String, isAgain: Bool = true) -> Claim.Act {
            .moneyBack(MoneyBackClaim(Fingerprint(id), isRestamped: isAgain, .news(isWhole: false, isLate: false)))
        }
        func dispute(_ id: String, isAgain: Bool = true) -> Claim.Act { .moneyBack(.chargeback(id, isWhole: false, isRestamped: isAgain)) }
        var stream = Stream()
        stream.pay()
        #expect(stream.append(news("n-1"), amount: 500) == granted, "the first of it was lost")
        #expect(stream.append(news("n-2"), amount: 500) == .told(1, .refunded))
        #expect(stream.append(news("n-3"), amount: 700) == granted)
        #expect(stream.append(news("n-4", isAgain: false), amount: 500) == granted, "another of as much")
        #expect(stream.append(dispute("c-1", isAgain: false), amount: 900) == granted)
        #expect(stream.append(dispute("c-2"), amount: 900) == .told(5, .chargeback))
        #expect(stream.append(dispute("c-3"), amount: 100) == granted)
        // A command's news are known as its.
        stream.refund("r-1", .send(round: 1), amount: 300)
        stream.refund("r-1", .told(.refunded, round: 1, isWhole: false))
        #expect(stream.append(news("n-5"), amount: 300) == .told(9, .refunded))
        #expect(stream.append(news("n-6"), amount: 300) == .told(9, .refunded))
    }

    @Test func onlyAllOfTheMoneyOpensTheDebtAgain() {
        for (step, isOpen) in [
            (MoneyBackClaim.Step.told(.refunded, round: 1, isWhole: false), false), (.told(.refunded, round: 1, isWhole: true), true),
            (.told(.refundFailed, round: 1, isWhole: false), false), (.news(isWhole: false, isLate: false), false),
            (.news(isWhole: true, isLate: false), true),
        ] {
            var stream = Stream()
            stream.pay()
            let before = stream.isDebtOpen()
            stream.refund("r-1", step, amount: 500)
            let after = stream.isDebtOpen()
            #expect(!before && after == isOpen, "\(step)")
        }
        // Each a part, and none of them says that nothing is left.
        var stream = Stream()
        stream.pay()
        for part in 0..<3 { stream.refund("n-\(part)", .news(isWhole: false, isLate: false), amount: 500) }
        let isOpen = stream.isDebtOpen()
        #expect(!isOpen)
    }

    @Test func refundsLeaveWithTheirRecovery() {
        var stream = Stream()
        stream.refund("r-1", .told(.refunded, round: 0, isWhole: false), amount: 500)
        stream.book.forget(before: Self.now + .days(34))
        #expect(stream.book.count == 0 && stream.refund("r-1", .send(round: 1), amount: 500) == granted)
    }
}
