import Testing

@testable import DeclineRecovery

/// What a cancel command by order, purchase and cycle finds in the claims: it knows neither the recoveries nor the charges of their own.
@Suite struct CancellableClaimsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)

    /// A stream with its book.
    private struct Stream {
        var book = ClaimBook()
        private var next: Int64 = 0

        /// - Parameter order: what of it the reference does not say, as a request says it.
        @discardableResult
        mutating func append(
            _ act: Claim.Act, _ reference: RecoveryReference, debt: Debt? = nil, order: RecoveredOrder? = nil,
            until: Moment = CancellableClaimsTests.now + .days(33)
        ) -> ClaimVerdict<Int64> {
            defer { next += 1 }
            return book.take(
                Claim(
                    id: UInt64(next) + 1, merchantID: "acme", reference: reference, debt: debt.map(Fingerprint.init(of:)), amount: nil,
                    act: act, at: CancellableClaimsTests.now, until: until, worker: "w", order: order), at: next)
        }

        /// A request for a charge of the cycle, and where it stands.
        mutating func send(
            _ id: String, charge: String? = nil, until: Moment = CancellableClaimsTests.now + .days(33)
        ) -> (RecoveryReference, at: Int64) {
            name(by: .send(post: 1), id, charge, until)
        }

        /// The same that is put away, and nobody has sent it.
        mutating func wait(_ id: String, charge: String? = nil) -> (RecoveryReference, at: Int64) {
            name(by: .waiting, id, charge, CancellableClaimsTests.now + .days(33))
        }

        private mutating func name(
            by act: Claim.Act, _ id: String, _ charge: String?, _ until: Moment
        ) -> (RecoveryReference, at: Int64) {
            let reference = CancellableClaimsTests.reference(id)
            let order = RecoveredOrder(reference, chargeID: charge)
            append(act, reference, debt: Debt(order, of: "acme"), order: order.beyond(reference), until: until)
            return (reference, next - 1)
        }

        func isWaiting(_ reference: RecoveryReference) -> Bool? {
            book.standing(of: Fingerprint(of: reference, merchant: "acme"))?.isWaiting
        }

        /// Where what the command means is named.
        var found: Set<Int64> { Set(book.claims(of: CancellableClaimsTests.rebill).map(\.place)) }
    }

    private static let rebill = Debt(merchantID: "acme", orderID: "A1", purchaseID: "88", billingCycle: 7, chargeID: nil)

    private static func reference(_ id: String) -> RecoveryReference {
        RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
    }

    private static func told(_ kind: ResultKind, _ basis: Claim.Basis = .known) -> Claim.Act { .told(Claim.Told(kind, basis)) }

    @Test(arguments: [nil, "upsell"] as [String?], ResultKind.allCases.filter(\.isFinal))
    func whatAnswersItIsFoundWhenItWasTold(charge: String?, kind: ResultKind) {
        var stream = Stream()
        let (reference, place) = stream.send("d-1", charge: charge)
        #expect(stream.found == [place])
        stream.append(Self.told(kind), reference)
        #expect(stream.found == ([.approved, .cancelled].contains(kind) ? [place] : []))
    }

    /// Before its first request, and behind one that was withdrawn, until it ends. It stands in nobody's way.
    @Test(arguments: [nil, "upsell"] as [String?]) func whatWaitsIsFound(charge: String?) {
        var stream = Stream()
        let (reference, place) = stream.wait("d-1", charge: charge)
        #expect(stream.found == [place])
        let (other, beside) = stream.send("d-2", charge: charge)
        #expect(stream.found == [place, beside])
        stream.append(Self.told(.declined), other)
        #expect(stream.found == [place])
        let (_, sent) = stream.send("d-1", charge: charge)
        #expect(stream.found == [sent] && stream.isWaiting(reference) == false)
        stream.append(.unsent(UInt64(sent) + 1), reference)
        #expect(stream.found == [sent] && stream.isWaiting(reference) == true)
        #expect(stream.book.claims(of: Self.rebill).allSatisfy { $0.isOpen })
        stream.append(Self.told(.expired, .unsent), reference)
        #expect(stream.found.isEmpty && stream.isWaiting(reference) == false)
    }

    /// It is given up, or FlexFactor has it, or its end was told.
    @Test(arguments: [Claim.Act.unsent(0), .exists(answering: nil), told(.expired), told(.cancelled, .unsent)])
    func whatWaitsNoMoreIsSoToAll(act: Claim.Act) {
        var stream = Stream()
        let (reference, _) = stream.wait("d-1")
        stream.append(act, reference)
        #expect(stream.isWaiting(reference) == false)
    }

    /// A copy of it was sent, and nobody knows what became of that.
    @Test func nobodySaysThatItWaitsWhileACopyOfItIsOut() {
        var stream = Stream()
        let (reference, sent) = stream.send("d-1")
        _ = stream.wait("d-1")
        #expect(stream.isWaiting(reference) == false && stream.found == [sent])
        #expect(stream.append(Self.told(.cancelled, .unsent), reference) == .mayBeCharged)
    }

    /// Each that is open, and each that was told.
    @Test func allChargesOfTheCycleAreFound() {
        var stream = Stream()
        var places: Set<Int64> = []
        for (id, charge) in [("d-1", nil), ("d-2", "upsell"), ("d-3", "shipping")] as [(String, String?)] {
            let (reference, place) = stream.send(id, charge: charge)
            places.insert(place)
            if charge != "shipping" { stream.append(Self.told(.approved), reference) }
        }
        // What the CRM stopped before a customer came back.
        stream.append(Self.told(.cancelled), Self.reference("d-4"), debt: Self.rebill)
        places.insert(5)
        #expect(stream.found == places)
    }

    /// The debt may be paid again, and was paid all the same.
    @Test(arguments: [nil, "upsell"] as [String?]) func soIsWhatWasPaidAndWentBack(charge: String?) {
        var stream = Stream()
        let (reference, place) = stream.send("d-1", charge: charge)
        stream.append(Self.told(.approved), reference)
        stream.append(.reopened(.paidBack), reference)
        let (_, again) = stream.send("d-2", charge: charge)
        #expect(stream.found == [place, again])
    }

    /// A person sends again what was told as cancelled, and it comes to another end: by then it is for another debt, perhaps.
    @Test(arguments: [ResultKind.expired, .approved]) func whatWasToldOtherwiseSinceIsFoundByThat(kind: ResultKind) {
        var stream = Stream()
        let (reference, _) = stream.send("d-1")
        stream.append(.unsent(1), reference)
        stream.append(Self.told(.cancelled, .unsent), reference)
        stream.append(.reopened(.byOperator(who: "Ada", why: "they agree")), reference)
        let other = Debt(merchantID: "acme", orderID: "A1", purchaseID: "88", billingCycle: 8, chargeID: nil)
        stream.append(.send(post: 1), reference, debt: other)
        #expect(stream.found.isEmpty && stream.book.claims(of: other).allSatisfy { $0.place == 4 })
        stream.append(Self.told(kind), reference)
        #expect(stream.found.isEmpty && stream.book.claims(of: other).map(\.place) == (kind == .approved ? [4] : []))
    }

    @Test(arguments: [nil, "upsell"] as [String?]) func whatIsForgottenIsNotFound(charge: String?) {
        var stream = Stream()
        let (reference, _) = stream.send("d-1", charge: charge, until: Self.now)
        stream.append(Self.told(.approved), reference, until: Self.now)
        let (_, place) = stream.send("d-2", charge: "shipping")
        stream.book.forget(before: Self.now + .days(1))
        #expect(stream.found == [place] && stream.book.count == 1)
    }
}
