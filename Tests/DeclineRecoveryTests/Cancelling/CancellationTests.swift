import DeclineRecovery
import TestSupport
import Testing

@Suite struct CancellationTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    @Test func whatTravelsComesBack() throws {
        for phase in [Cancellation.Phase.looking(0), .cancelling(1), .settling(2)] {
            let sent = Cancellation(
                merchantID: "acme", reference: try #require(RecoveryReference("A-R7-88-7")), commandID: "c-1",
                others: [try #require(RecoveryReference("A-R7-88-8"))],
                gateways: ["42", "43"], since: now, phase: phase, attempts: 5, orderID: phase == .settling(2) ? "g-1" : nil)
            #expect(try Cancellation.decode(sent.encoded()).get() == sent)
            // What is past looking was announced by whoever wrote it.
            #expect(sent.isAnnounced == !sent.isLooking)
            var begun = sent
            let first = begun.begin()
            #expect(first == (sent.isLooking ? Cancellation.Stop.announce : nil))
            let read = try Cancellation.decode(begun.encoded()).get()
            #expect(read == begun && read.isAnnounced)
        }
        guard case .failure = Cancellation.decode(Array("{}".utf8)) else {
            Issue.record("rubbish was taken")
            return
        }
    }

    /// A rebill is named without the gateway that declined; a cascade is over before a command could reach it.
    @Test func aCommandNamesEveryRecoveryItCanMean() throws {
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42"), FlexFactorGateway(id: "41")],
            gateways: [Gateway(id: "7", type: "nmi"), Gateway(id: "8", type: "stripe")])
        func references(_ data: String) throws -> [String] {
            let event =
                #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"acme",\#(data)}}"#
            guard case .cancel(let command) = CRMMessage.decode(Array(event.utf8)) else {
                Issue.record("\(CRMMessage.decode(Array(event.utf8)))")
                return []
            }
            return Cancellation.all(of: command, merchant: merchant, now: now).map { cancellation in
                #expect(cancellation.gateways == ["41", "42"] && cancellation.commandID == "c-1")
                return cancellation.reference.text
            }
        }
        #expect(try references(#""orderId":"A","purchaseId":"88","billingCycle":7"#) == ["A-R7-88-7", "A-R7-88-8"])
        #expect(try references(#""recoveryReference":"A-U2""#) == ["A-U2"])
        #expect(try references(#""recoveryReference":"A-S0""#) == [])
    }

    @Test func aCommandNamesNoRecoveryOfAnotherMerchant() {
        func command(_ merchant: String) -> CRMMessage {
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "bold", source: "s", id: "d"), orderID: "A", kind: .rerun, sequence: 1)
            let event =
                #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"\#(merchant)","recoveryReference":"\#(reference.text)"}}"#
            return CRMMessage.decode(Array(event.utf8))
        }
        guard case .cancel = command("bold"), case .rejected(let event) = command("acme") else {
            Issue.record("\(command("acme"))")
            return
        }
        #expect(event.faults.map(\.path) == ["$.data.recoveryReference"])
    }

    /// Every gateway is asked twice with the settling time between, and told to cancel in between; only then is it said.
    @Test func whatNoGatewayKnowsIsNothingToCancel() throws {
        let timing = RecoveryTiming()
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), commandID: "c-1", gateways: ["41", "42"], since: now)
        var time = now
        var calls: [String] = []
        let stops = [cancellation.begin(), cancellation.begin()]
        #expect(stops == [.announce, nil])
        loop: while let (call, gateway) = cancellation.nextCall {
            let answer: FlexFactorAnswer
            switch call {
            case .find: (answer, _) = (.notListed, calls.append("find \(gateway)"))
            default: (answer, _) = (.noSuchOrder, calls.append("cancel \(gateway)"))
            }
            switch cancellation.learned(answer, now: time, timing: timing) {
            case .park(let until): time = until
            case .end(let end):
                #expect(end == .nothingToCancel)
                break loop
            case .advance: calls.append("advance")
            case .announce: Issue.record("announced twice")
            case .tell, .giveUp:
                Issue.record("told or given up after \(calls)")
                break loop
            case nil: continue
            }
        }
        #expect(calls == ["find 41", "find 42", "advance", "cancel 41", "cancel 42", "find 41", "find 42"])
        #expect(time == now + timing.settle)
    }

    /// The claims tell where it was sent; what was found there stays there.
    @Test func itIsLookedForWhereItWasSent() throws {
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["41", "42"], since: now, phase: .looking(1))
        cancellation.place(at: ["41", "42"])
        #expect(cancellation.phase == .looking(1))
        cancellation.place(at: ["42"])
        #expect(cancellation.phase == .looking(0) && cancellation.gateways == ["42"])
        _ = cancellation.learned(.found(FlexFactorOrder(id: "g-1", state: .processing)), now: now, timing: RecoveryTiming())
        cancellation.place(at: ["43"])
        #expect(cancellation.phase == .cancelling(0) && cancellation.gateways == ["42"])
        // A claim that comes after the look.
        var late = Cancellation(
            merchantID: "acme", reference: cancellation.reference, gateways: ["41", "42"], since: now, phase: .cancelling(1))
        late.place(at: ["42"])
        #expect(late.phase == .cancelling(0) && late.gateways == ["42"])
    }

    /// FlexFactor may be away for days: the command is known to every pod before it is asked, once, and waits for its answer.
    @Test func whatCannotBeAskedIsAnnouncedOnce() throws {
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), commandID: "c-1", gateways: ["42"], since: now)
        var stops = [cancellation.begin()]
        for _ in 0..<5 {
            // As it is parked and taken up again.
            cancellation = try Cancellation.decode(cancellation.encoded()).get()
            stops.append(cancellation.begin())
            let answer = FlexFactorAnswer.failed(.notSent(.cannotConnect("away")))
            guard case .park? = cancellation.learned(answer, now: now, timing: RecoveryTiming()) else {
                Issue.record("it does not wait")
                return
            }
        }
        #expect(cancellation.isLooking && stops == [.announce, nil, nil, nil, nil, nil])
    }

    /// The list may show nothing of ours: then what FlexFactor says to the cancel is what is known.
    @Test(arguments: [FlexFactorAnswer.notListed, .failed(.unknown(.barred(status: 404))), .failed(.unknown(.unreadable("oddly named")))])
    func whereTheListIsSilentTheCancelsAnswerCounts(silence: FlexFactorAnswer) throws {
        func end(_ answer: FlexFactorAnswer) throws -> Cancellation.Stop? {
            var cancellation = Cancellation(
                merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["41", "42"], since: now)
            _ = cancellation.begin()
            for _ in 0..<20 {
                guard let (call, gateway) = cancellation.nextCall else { return nil }
                let said = if case .find = call { silence } else { gateway == "41" ? FlexFactorAnswer.noSuchOrder : answer }
                switch cancellation.learned(said, now: now, timing: RecoveryTiming()) {
                case nil, .park, .announce, .advance: continue
                case let stop?:
                    #expect(try Cancellation.decode(cancellation.encoded()).get() == cancellation)
                    return stop
                }
            }
            return nil
        }
        #expect(try end(.cancelAccepted) == .tell(.cancelled, nil, "42"))
        #expect(try end(.cancelRefused) == .end(.leftToRecovery))
    }

    /// What the list has shown is looked at by its id, whatever the list shows later, and asked for until it is shown.
    @Test func whatWasShownIsLookedAtBeforeItIsToldAsCancelled() throws {
        let timing = RecoveryTiming()
        for (state, end) in [
            (.completed, .tell(.approved(.reconciled), "g-1", "42")),
            (.cancelled, .tell(.cancelled, "g-1", "42")),
        ] as [(FlexFactorOrder.State, Cancellation.Stop)] {
            var cancellation = Cancellation(
                merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["41", "42"], since: now)
            let stops = [
                cancellation.begin(), cancellation.learned(.notListed, now: now, timing: timing),
                cancellation.learned(.found(FlexFactorOrder(id: "g-1", state: .processing)), now: now, timing: timing),
                cancellation.learned(.cancelAccepted, now: now, timing: timing),
            ]
            #expect(stops == [.announce, nil, .advance, .park(until: now + timing.settle)])
            for answer in [FlexFactorAnswer.failed(.unknown(.timedOut)), .noSuchOrder, .failed(.unknown(.barred(status: 403)))] {
                cancellation = try Cancellation.decode(cancellation.encoded()).get()
                #expect(cancellation.nextCall?.0 == .lookUp("g-1") && cancellation.nextCall?.gateway == "42")
                guard case .park? = cancellation.learned(answer, now: now, timing: timing) else {
                    Issue.record("\(answer) is taken for its end")
                    return
                }
            }
            #expect(cancellation.learned(.found(FlexFactorOrder(id: "g-1", state: state)), now: now, timing: timing) == end)
        }
        var late = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now, phase: .settling(0),
            word: .accepted, orderID: "g-1")
        let over = now + timing.grace + timing.reconcileFor
        #expect(late.learned(.failed(.unknown(.timedOut)), now: over, timing: timing) == .giveUp)
    }

    /// Its page does not say how it stands: it may have been paid beside the cancel that FlexFactor accepted.
    @Test func whatTheListShowsAloneIsNoEnd() throws {
        let timing = RecoveryTiming()
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now, phase: .settling(0),
            word: .accepted)
        guard case .park? = cancellation.learned(.failed(.unknown(.unconfirmed("503"))), now: now, timing: timing) else {
            Issue.record("it is told as cancelled")
            return
        }
        #expect(cancellation.learned(.failed(.unknown(.timedOut)), now: now, timing: timing) == .tell(.cancelled, nil, "42"))
    }

    /// Its page says that it is paid, and something else besides: FlexFactor would void it.
    @Test func whatMayBePaidIsNotAskedToBeCancelled() throws {
        let timing = RecoveryTiming()
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now)
        let unclear = FlexFactorAnswer.failed(.unknown(.unclear("7, Cancelled")))
        for _ in 0..<3 {
            guard case .park? = cancellation.learned(unclear, now: now, timing: timing) else {
                Issue.record("\(cancellation.phase)")
                return
            }
        }
        #expect(cancellation.phase == .looking(0))
        #expect(cancellation.learned(unclear, now: now + timing.grace + timing.reconcileFor, timing: timing) == .giveUp)
    }

    /// FlexFactor is away for a moment, and the order may be paid meanwhile.
    @Test func aKnownOrderIsLookedAtBeforeItIsCancelled() throws {
        let timing = RecoveryTiming()
        var known = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now, orderID: "g-1")
        guard case .park? = known.learned(.failed(.unknown(.timedOut)), now: now, timing: timing) else {
            Issue.record("it is cancelled unseen")
            return
        }
        #expect(known.nextCall?.0 == .lookUp("g-1"))
        // The CRM does not wait for ever: FlexFactor would charge.
        #expect(known.learned(.failed(.unknown(.timedOut)), now: now + .minutes(5), timing: timing) == .advance)
        var searched = Cancellation(merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now)
        #expect(searched.learned(.failed(.unknown(.timedOut)), now: now, timing: timing) == .advance)
    }

    /// The clock of what is not seen begins when it is looked for, not when the command came, nor while nobody can look.
    @Test func behindAnOutageItIsLookedAtAsLong() throws {
        let timing = RecoveryTiming()
        var late = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now, orderID: "g-1")
        let back = now + .minutes(90)
        for (failure, moment) in [
            (.unknown(.timedOut), now), (.notSent(.cannotConnect("away")), now + .minutes(1)), (.unknown(.timedOut), back),
        ] as [(CallFailure, Moment)] {
            guard case .park? = late.learned(.failed(failure), now: moment, timing: timing) else {
                Issue.record("\(failure)")
                return
            }
        }
        let read = try Cancellation.decode(late.encoded()).get()
        #expect(read.unseenSince == back && read.phase == .looking(0) && read.nextCall?.0 == .lookUp("g-1"))
        #expect(late.learned(.order(.completed), now: back, timing: timing) == .tell(.approved(.reconciled), "g-1", "42"))
    }

    /// It is open, and will not be cancelled as it is: the command does not ask for a day.
    @Test(arguments: [FlexFactorOrder.State.onHold, .processing, .problem])
    func whatFlexFactorRefusesToCancelIsLeftToItsRecovery(state: FlexFactorOrder.State) throws {
        let timing = RecoveryTiming()
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-U1")), gateways: ["42"], since: now, phase: .cancelling(0),
            orderID: "g-1")
        guard case .park? = cancellation.learned(.cancelRefused, now: now, timing: timing) else {
            Issue.record("\(cancellation.phase)")
            return
        }
        // A try of FlexFactor's own may be on its way: it is asked again while that can be.
        guard case .park? = cancellation.learned(.order(state), now: now + .minutes(2), timing: timing),
            case .park? = cancellation.learned(.cancelRefused, now: now + .minutes(4), timing: timing)
        else {
            Issue.record("\(cancellation.phase)")
            return
        }
        #expect(cancellation.learned(.order(state), now: now + .minutes(10), timing: timing) == .end(.leftToRecovery))
    }

    @Test func aNoticeNamesItsRecovery() throws {
        let reference = try #require(RecoveryReference("A~C3~84-R7-88-7"))
        let notice = CancelNotice(merchantID: "acme", reference: reference)
        let timed = CancelNotice(merchantID: "acme", reference: reference, time: now)
        #expect([notice, timed].allSatisfy { CancelNotice.decode($0.encoded()) == $0 })
        // Another merchant's order of the same id is another order.
        #expect(CancelNotice(merchantID: "bold", reference: reference) != notice)
        #expect(CancelNotice.decode(Array("{}".utf8)) == nil)
    }
}
