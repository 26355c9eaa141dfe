import TestSupport
import Testing

@testable import DeclineRecovery

/// The CRM's refunds: carried out once, and told with FlexFactor's words.
@Suite struct RefundTests {
    private let now = Moment.in2026(0)
    private let timing = RecoveryTiming()

    private func command(_ data: String) -> CRMMessage {
        CRMMessage.decode(
            Array(
                #"{"specversion":"1.0","id":"r-1","source":"s","type":"com.salvage.refund.v1","data":{"merchantId":"acme",\#(data)}}"#.utf8)
        )
    }

    private func refund(
        _ data: String = #""recoveryReference":"A-S0","flexFactorOrderId":"g-1","amount":{"minorUnits":500,"currency":"USD"}"#
    ) throws -> Refund {
        guard case .refund(let command) = command(data) else { throw Unreadable() }
        return Refund(command, gateways: ["41", "42"], since: now)
    }

    private struct Unreadable: Error {}

    /// - Parameter days: since it was placed; so long that its recovery may be forgotten, where nothing else is said.
    private func order(_ state: FlexFactorOrder.State, minorUnits: Int64? = nil, placed days: Int64? = 40) -> FlexFactorAnswer {
        let placedAt = days.map { now + .days(-$0) }
        return .found(FlexFactorOrder(id: "g-1", state: state, minorUnits: minorUnits, currency: .usd, placedAt: placedAt))
    }

    @Test func aCommandIsReadWithAllItsFaults() {
        guard case .refund(let whole) = command(#""recoveryReference":"A-S0""#) else {
            Issue.record("it was not read")
            return
        }
        #expect(whole.id == "r-1" && whole.amount == nil && whole.orderID == nil && whole.reference.text == "A-S0")
        guard case .rejected(let event) = command(#""recoveryReference":"rubbish","amount":{"minorUnits":0,"currency":"usd"}"#) else {
            Issue.record("it was taken")
            return
        }
        #expect(
            Set(event.faults.map(\.path)) == ["$.data.recoveryReference", "$.data.amount.minorUnits", "$.data.amount.currency"]
                && event.isCommand)
    }

    @Test func aPartIsGivenBackAndToldAsAPart() throws {
        var refund = try refund()
        #expect(refund.nextCall?.0 == .lookUp("g-1") && refund.nextCall?.gateway == "41")
        #expect(refund.learned(.noSuchOrder, now: now, timing: timing) == nil && refund.nextCall?.gateway == "42")
        #expect(refund.learned(order(.completed), now: now, timing: timing) == .advance)
        refund = try Refund.decode(refund.encoded()).get()
        let amount = Money(minorUnits: 500, currency: .usd)
        #expect(refund.nextCall?.0 == .refund("g-1", amount) && refund.nextCall?.gateway == "42")
        #expect(refund.learned(.refunded, now: now, timing: timing) == nil)
        #expect(refund.learned(order(.completed), now: now, timing: timing) == .tell(.refunded, amount: amount, .part, "g-1", []))
    }

    @Test func allOfItNeedsNoAmountWhereTheOrderSaysIt() throws {
        var refund = try refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        _ = refund.learned(order(.completed, minorUnits: 4_999), now: now, timing: timing)
        #expect(refund.nextCall?.0 == .refund("g-1", Money(minorUnits: 4_999, currency: .usd)))
        _ = refund.learned(.refunded, now: now, timing: timing)
        guard case .tell(.refunded, _, .whole, _, _) = refund.learned(order(.returned), now: now, timing: timing) else {
            Issue.record("it is not told as whole")
            return
        }
    }

    /// "All of it" is what is left of what was sold, whatever unit FlexFactor's order counts in.
    @Test func allOfItIsWhatIsLeftOfTheSale() throws {
        var refund = try refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        let sold = Money(minorUnits: 4_999, currency: .usd)
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: sold, refunded: 1_999)
        _ = refund.learned(order(.completed, minorUnits: 49), now: now, timing: timing)
        #expect(refund.nextCall?.0 == .refund("g-1", Money(minorUnits: 3_000, currency: .usd)))
        _ = refund.learned(.refunded, now: now, timing: timing)
        guard case .tell(.refunded, _, .rest, _, _) = refund.learned(order(.completed, minorUnits: 49), now: now, timing: timing) else {
            Issue.record("it is not told as the rest")
            return
        }
        var over = try self.refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        over.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: sold, refunded: 4_999)
        #expect(fails(over, order(.completed)))
    }

    /// Only what FlexFactor shows as returned, or what reaches the sale, is all of it.
    @Test(arguments: [FlexFactorOrder.State.processing, .problem, .unrecognised("PartiallyRefunded"), .chargeback])
    func aPartStaysAPartWhateverTheOrderShows(state: FlexFactorOrder.State) throws {
        var refund = try refund()
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
        _ = refund.learned(order(.completed), now: now, timing: timing)
        var unanswered = refund
        _ = refund.learned(.refunded, now: now, timing: timing)
        guard case .tell(.refunded, _, .part, _, _) = refund.learned(order(state), now: now, timing: timing) else {
            Issue.record("it is not told as a part")
            return
        }
        // A dispute is no proof of a refund, whose answer was lost.
        _ = unanswered.learned(.failed(.unknown(.timedOut)), now: now, timing: timing)
        #expect(unanswered.learned(order(.chargeback), now: now, timing: timing) == .giveUp)
    }

    /// Others gave back the rest meanwhile, of which news of its own tells; without the sale's amount the order's word is all there is.
    @Test func aPartIsAPartThoughOthersGaveBackTheRest() throws {
        for (sale, extent) in [(4_999, Refund.Extent.part), (nil, .whole)] as [(Int64?, Refund.Extent)] {
            var refund = try refund()
            refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: sale.map { Money(minorUnits: $0, currency: .usd) })
            _ = refund.learned(order(.completed), now: now, timing: timing)
            _ = refund.learned(.refunded, now: now, timing: timing)
            let amount = Money(minorUnits: 500, currency: .usd)
            #expect(refund.learned(order(.returned), now: now, timing: timing) == .tell(.refunded, amount: amount, extent, "g-1", []))
        }
    }

    @Test func flexFactorsWordsAreTold() throws {
        var refund = try refund()
        _ = refund.learned(order(.completed), now: now, timing: timing)
        let stop = refund.learned(.refundFailed(code: "2001", "The amount exceeds the refundable maximum."), now: now, timing: timing)
        guard case .tell(.refundFailed, _, _, "g-1", let faults)? = stop else {
            Issue.record("\(String(describing: stop))")
            return
        }
        #expect(faults == [FieldError(path: "responseCode 2001", message: "The amount exceeds the refundable maximum.")])
    }

    /// No key makes a repeated refund one: what may have been carried out is looked at, and not repeated.
    @Test func whatMayHaveBeenCarriedOutIsNotRepeated() throws {
        for isRedelivered in [false, true] {
            var refund = try refund()
            refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 500, currency: .usd))
            _ = refund.learned(order(.completed), now: now, timing: timing)
            if isRedelivered {
                guard case .park = refund.isSentByAnother(redelivered: true, now: now, timing: timing) else { continue }
            } else {
                #expect(refund.learned(.failed(.unknown(.timedOut)), now: now, timing: timing) == .park(until: now + timing.settle))
            }
            #expect(refund.nextCall?.0 == .lookUp("g-1"))
            var returned = refund
            guard case .tell(.refunded, _, _, _, _) = returned.learned(order(.returned), now: now, timing: timing) else {
                Issue.record("returned is refunded")
                return
            }
            #expect(refund.learned(order(.completed), now: now, timing: timing) == .giveUp)
        }
        // A worker that claimed no refunds may have sent it.
        var old = try Refund.decode(Array(String(decoding: unclaimed().encoded(), as: UTF8.self).replacing(#""round":1,"#, with: "").utf8))
            .get()
        old.pickUp(redelivered: true)
        #expect(old.nextCall?.0 == .lookUp("g-1") && old.round == 1)
        var unsent = try refund()
        _ = unsent.learned(order(.completed), now: now, timing: timing)
        guard case .park = unsent.learned(.failed(.notSent(.cannotConnect("refused"))), now: now, timing: timing),
            case .refund? = unsent.nextCall?.0
        else {
            Issue.record("what did not leave is tried again")
            return
        }
    }

    private func unclaimed() throws -> Refund {
        var refund = try refund()
        _ = refund.learned(order(.completed), now: now, timing: timing)
        return refund
    }

    /// All of it may be asked for anew once it was seen that nothing came of it; but a refusal then may be for what the first request did.
    @Test func aSecondRequestForAllOfItIsARoundOfItsOwn() throws {
        var refund = try refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        _ = refund.learned(order(.completed, minorUnits: 4_999), now: now, timing: timing)
        #expect(refund.claim?.step == .send(round: 1))
        #expect(refund.granted() == nil && refund.claim == nil)
        _ = refund.learned(.failed(.unknown(.timedOut)), now: now, timing: timing)
        #expect(refund.learned(order(.completed), now: now, timing: timing) == .advance && refund.claim?.step == .send(round: 2))
        #expect(try Refund.decode(refund.encoded()).get().claim?.step == .send(round: 2))
        #expect(refund.learned(.refundFailed(code: "2001", "too much"), now: now, timing: timing) == .giveUp)
    }

    /// The order goes on showing that nothing came of it. After an outage of a day it is asked for once more.
    @Test(arguments: [[5, 9, 1_440], [2_880, 2_881]] as [[Int64]]) func whatIsNeverAnsweredIsNotAskedForWithoutEnd(minutes: [Int64]) throws
    {
        var refund = try refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        _ = refund.learned(order(.completed, minorUnits: 4_999), now: now, timing: timing)
        for minute in minutes.dropLast() {
            let lost = refund.learned(.failed(.unknown(.timedOut)), now: now + .minutes(minute), timing: timing)
            #expect(lost == .park(until: now + .minutes(minute) + timing.settle))
            #expect(refund.learned(order(.completed), now: now + .minutes(minute), timing: timing) == .advance)
        }
        let last = now + .minutes(minutes[minutes.count - 1])
        #expect(refund.learned(.failed(.unknown(.timedOut)), now: last, timing: timing) == .giveUp)
    }

    /// FlexFactor has it, and may call it pending for hours: a second request could give the money back twice.
    @Test func whatFlexFactorAnsweredIsNotAskedForAgain() throws {
        var refund = try refund(#""recoveryReference":"A-S0","flexFactorOrderId":"g-1""#)
        _ = refund.learned(order(.completed, minorUnits: 4_999), now: now, timing: timing)
        _ = refund.learned(.failed(.unknown(.unreadable("PENDING"))), now: now, timing: timing)
        refund = try Refund.decode(refund.encoded()).get()
        for minutes in [2, 60, 1_439] as [Int64] {
            guard case .park? = refund.learned(order(.completed), now: now + .minutes(minutes), timing: timing) else {
                Issue.record("it is not looked at again after \(minutes) minutes")
                return
            }
            #expect(refund.nextCall?.0 == .lookUp("g-1") && refund.round == 1)
        }
        var done = refund
        guard case .tell(.refunded, _, .whole, _, _)? = done.learned(order(.returned, minorUnits: 4_999), now: now, timing: timing) else {
            Issue.record("returned is refunded")
            return
        }
        #expect(refund.learned(order(.completed), now: now + .days(1), timing: timing) == .giveUp)
    }

    private func fails(_ refund: Refund, _ answer: FlexFactorAnswer) -> Bool {
        var refund = refund
        guard case .tell(.refundFailed, _, _, _, let faults)? = refund.learned(answer, now: now, timing: timing) else { return false }
        return !faults.isEmpty
    }

    /// FlexFactor is told a bare number: 30 yen would be 30 dollars.
    @Test func anotherCurrencyIsNotGivenBack() throws {
        let yen = #""recoveryReference":"A-S0","flexFactorOrderId":"g-1","amount":{"minorUnits":30,"currency":"JPY"}"#
        #expect(fails(try refund(yen), order(.completed)))
        var claimed = try refund(yen)
        claimed.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
        #expect(fails(claimed, .found(FlexFactorOrder(id: "g-1", state: .completed))))
        var same = try refund()
        same.sale = claimed.sale
        #expect(same.learned(order(.completed), now: now, timing: timing) == .advance)
    }

    @Test func onlyTheOrderThatTheCRMWasToldOfIsGivenBack() throws {
        var other = try refund()
        other.sale = Refund.Sale(isApproved: true, orderID: "g-9", amount: nil)
        #expect(other.objection == nil && fails(other, order(.completed)))
        var same = try refund()
        same.sale = Refund.Sale(isApproved: true, orderID: "G-1", amount: nil)
        #expect(same.learned(order(.completed), now: now, timing: timing) == .advance)
        var declined = try refund()
        declined.sale = Refund.Sale(isApproved: false, orderID: "g-1", amount: nil)
        guard case .tell(.refundFailed, _, _, _, _)? = declined.objection else {
            Issue.record("a decline was refunded")
            return
        }
        // Of two orders of one recovery, the second is its own where it says so.
        let echoing = FlexFactorOrder(id: "g-1", state: .completed, echo: RecoveryReference("A-S0"), currency: .usd)
        #expect(other.learned(.found(echoing), now: now, timing: timing) == .advance)
        #expect(fails(try refund(), .found(FlexFactorOrder(id: "g-1", state: .completed, echo: RecoveryReference("B-S0")))))
    }

    /// One account serves several merchants, and a reference that was never claimed reads as well as one that is forgotten.
    @Test func whatNobodyKnowsIsGivenBackOnlyWhereItMayBeForgotten() throws {
        for days in [nil, 0, 31] as [Int64?] {
            var refund = try refund()
            #expect(why(refund.learned(order(.completed, placed: days), now: now, timing: timing)).hasPrefix("Nothing is known"))
        }
        for days in [32, 400] as [Int64] {
            var refund = try refund()
            #expect(refund.learned(order(.completed, placed: days), now: now, timing: timing) == .advance)
        }
        var named = try refund()
        let echoing = FlexFactorOrder(id: "g-1", state: .completed, echo: named.command.reference)
        #expect(named.learned(.found(echoing), now: now, timing: timing) == .advance)
    }

    @Test func theApprovalSaysWhichOrderAndHowMuch() throws {
        var bare = try refund(#""recoveryReference":"A-S0""#)
        bare.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
        #expect(bare.nextCall?.0 == .lookUp("g-1"))
        #expect(bare.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: now, timing: timing) == .advance)
        #expect(bare.nextCall?.0 == .refund("g-1", Money(minorUnits: 4_999, currency: .usd)))
        _ = bare.learned(.refunded, now: now, timing: timing)
        guard
            case .tell(.refunded, _, .whole, _, _)? = bare.learned(
                .found(FlexFactorOrder(id: "g-1", state: .completed)), now: now, timing: timing)
        else {
            Issue.record("all of it is told as a part")
            return
        }
    }

    @Test func whatIsNotPaidIsNotRefunded() throws {
        for state in [FlexFactorOrder.State.processing, .cancelled, .returned] {
            var refund = try refund()
            guard case .tell(.refundFailed, _, _, _, let faults)? = refund.learned(order(state), now: now, timing: timing), !faults.isEmpty
            else {
                Issue.record("\(state)")
                return
            }
        }
    }

    private func why(_ stop: Refund.Stop?) -> String {
        guard case .tell(.refundFailed, _, _, _, let faults)? = stop else { return "\(String(describing: stop))" }
        return faults.first?.message ?? ""
    }

    @Test func aCommandIsKnownByItsSourceToo() throws {
        func refund(_ source: String?) throws -> Refund {
            let command = RefundCommand(
                id: "1001", source: source, merchantID: "acme", reference: try #require(RecoveryReference("A-S0")), orderID: nil,
                amount: nil,
                reason: nil)
            return try Refund.decode(Refund(command, gateways: ["42"], since: now).encoded()).get()
        }
        let (agents, customers, old) = (try refund("agents"), try refund("self-service"), try refund(nil))
        #expect(agents.command.source == "agents" && old.command.source == nil)
        #expect(Set([agents, customers, old].map { $0.messageID }).count == 3 && old.messageID == "A-S0/refund/1001")
        #expect(agents.claim(.send(round: 1)).command != customers.claim(.send(round: 1)).command)
        // By that id a worker of the version before knows it.
        #expect(agents.claim(.send(round: 1)).id == old.claim(.send(round: 1)).id && old.claim(.send(round: 1)).command == nil)
        #expect(try self.refund().command.source == "s")
    }

    /// What a chargeback took is gone, whatever state FlexFactor's order shows.
    @Test func nothingIsGivenBackBesideAChargebackOfTheWhole() throws {
        for data in [#""recoveryReference":"A-S0""#, #""recoveryReference":"A-S0","amount":{"minorUnits":500,"currency":"USD"}"#] {
            var refund = try refund(data)
            refund.back = Refund.Back(isAll: true, disputed: 4_999)
            // Also where nothing else is remembered of the recovery.
            #expect(why(refund.objection).hasPrefix("All of the money"))
            refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
            #expect(why(refund.objection).hasPrefix("All of the money"))
        }
    }

    @Test func aChargebackOfAPartLeavesTheRest() throws {
        let sold = Money(minorUnits: 4_999, currency: .usd)
        var refund = try refund(#""recoveryReference":"A-S0""#)
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: sold, refunded: 1_000)
        refund.back = Refund.Back(disputed: 1_999)
        #expect(refund.objection == nil && refund.learned(order(.completed), now: now, timing: timing) == .advance)
        #expect(refund.nextCall?.0 == .refund("g-1", Money(minorUnits: 2_000, currency: .usd)))
        for (units, isLeft) in [(2_000, true), (2_001, false)] {
            var part = try self.refund(#""recoveryReference":"A-S0","amount":{"minorUnits":\#(units),"currency":"USD"}"#)
            (part.sale, part.back) = (refund.sale, refund.back)
            let stop = part.learned(order(.completed), now: now, timing: timing)
            #expect(isLeft ? stop == .advance : why(stop).contains("2000 minor units are left"), "\(units)")
        }
        // How much is left of it nobody can reckon.
        var unknown = try self.refund(#""recoveryReference":"A-S0""#)
        unknown.sale = refund.sale
        unknown.back = Refund.Back(disputed: nil)
        #expect(why(unknown.learned(order(.completed), now: now, timing: timing)).contains("name the amount"))
    }

    /// The chargeback may be told between the look and the request.
    @Test func aChargebackThatIsToldMeanwhileStopsTheRequest() throws {
        var refund = try refund(#""recoveryReference":"A-S0""#)
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
        _ = refund.learned(order(.completed), now: now, timing: timing)
        var second = refund
        refund.back = Refund.Back(isAll: true)
        #expect(why(refund.granted()).hasPrefix("All of the money") && refund.ownRound == 0)
        // What the first request did is not known.
        #expect(second.granted() == nil)
        _ = second.learned(.failed(.unknown(.timedOut)), now: now, timing: timing)
        _ = second.learned(order(.completed), now: now, timing: timing)
        second.back = Refund.Back(isAll: true)
        #expect(second.granted() == .giveUp)
    }

    /// FlexFactor may answer two that are of the same money as done, and give it back once.
    @Test func aRequestBesideAnothersWaitsWhereBothAreOfMoreThanIsLeft() throws {
        let sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd), refunded: 1_000)
        func beside(_ asked: Int64?, after span: Moment.Span = .seconds(0)) throws -> (refund: Refund, stop: Refund.Stop?) {
            var refund = try refund()
            refund.sale = sale
            _ = refund.learned(order(.completed), now: now, timing: timing)
            refund.back = Refund.Back(askers: 2, asked: asked)
            #expect(refund.granted() == nil)
            let stop = refund.isBesideAnother(now: now + span, timing: timing)
            return (refund, stop)
        }
        let parts = try beside(3_999)
        #expect(parts.stop == nil && parts.refund.claim == nil, "both are left")
        for asked in [4_000, nil] as [Int64?] {
            let (waiting, stop) = try beside(asked)
            guard case .park? = stop else {
                Issue.record("\(String(describing: stop))")
                continue
            }
            // What is left is looked at anew.
            #expect(waiting.phase == .looking(0) && waiting.ownRound == 0)
        }
        #expect(why(try beside(4_000, after: .days(1)).stop).hasPrefix("Another refund of the sale"))
    }

    /// A part was told as back between the look and the request for all the rest.
    @Test func allThatIsLeftIsAskedForAsItStandsWhenItIsClaimed() throws {
        var refund = try refund(#""recoveryReference":"A-S0""#)
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: Money(minorUnits: 4_999, currency: .usd))
        _ = refund.learned(order(.completed), now: now, timing: timing)
        refund.sale?.refunded = 500
        #expect(refund.granted() == .advance)
        _ = refund.learned(order(.completed), now: now, timing: timing)
        #expect(refund.nextCall?.0 == .refund("g-1", Money(minorUnits: 4_499, currency: .usd)) && refund.granted() == nil)
    }
}
