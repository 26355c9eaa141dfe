import DeclineRecovery
import TestSupport
import Testing

/// A configuration is measured by the recoveries that are open at FlexFactor.
@Suite struct StrandedRecoveriesTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)

    private func book(_ acts: [(String, Claim.Act, ClaimedGateway?)]) -> ClaimBook {
        var book = ClaimBook()
        for (offset, (id, act, gateway)) in acts.enumerated() {
            let claim = Claim(
                id: UInt64(offset + 1), merchantID: "acme",
                reference: RecoveryReference(
                    DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: id, kind: .rerun, sequence: 1),
                debt: Fingerprint(id), amount: nil, act: act, at: Self.now, until: Self.now + .days(33), worker: "w", gateway: gateway)
            _ = book.take(ClaimRecord.decode(ClaimRecord(claim).encoded())!.claim, at: Int64(offset))
        }
        return book
    }

    @Test func anAccountThatIsNotKnownHasNotMoved() {
        #expect(at("42", "m-1").isMoved(to: "m-2") && !at("42", "m-1").isMoved(to: "m-1"))
        #expect(!at("42", nil).isMoved(to: "m-2") && !at("42", "m-1").isMoved(to: nil))
    }

    private func at(_ id: GatewayID, _ account: String?) -> ClaimedGateway { ClaimedGateway(merchantID: "acme", id: id, account: account) }

    private func stranded(_ book: ClaimBook, _ gateways: FlexFactorGateway...) -> [String] {
        book.stranded { $0 == "acme" ? Merchant(id: "acme", flexFactorGateways: gateways) : nil }.map {
            "\($0.gateway.id) \($0.count) \($0.loss)"
        }
    }

    @Test func whatWasSentIsFoundByGatewayAndAccount() {
        let book = book([
            ("a", .send(post: 1), at("42", "m-1")), ("b", .send(post: 1), at("42", "m-1")), ("c", .send(post: 1), at("43", "m-2")),
            ("d", .send(post: 1), at("43", "m-2")), ("d", .told(Claim.Told(.declined, .known)), nil), ("e", .send(post: 1), at("44", nil)),
        ])
        let kept = [
            FlexFactorGateway(id: "42", account: "m-1"), FlexFactorGateway(id: "43", account: "m-2", isRetired: true),
            FlexFactorGateway(id: "44", account: "m-3"),
        ]
        #expect(stranded(book, kept[0], kept[1], kept[2]).isEmpty)
        #expect(stranded(book, kept[0], kept[2]) == ["43 1 gateway"])
        #expect(stranded(book, FlexFactorGateway(id: "42", account: "m-9"), kept[1]) == ["42 2 account(\"m-9\")", "44 1 gateway"])
        #expect(book.stranded { _ in nil }.map(\.count) == [2, 1, 1])
    }

    /// What was told, taken back or sent on by another gateway is not lost with the first.
    @Test func onlyWhatIsOpenThereCounts() {
        let book = book([
            ("a", .send(post: 1), at("42", "m-1")), ("a", .unsent(1), nil), ("b", .send(post: 1), at("42", "m-1")),
            ("b", .send(post: 2), at("43", "m-1")),
        ])
        #expect(stranded(book, FlexFactorGateway(id: "43", account: "m-1")).isEmpty)
    }

    /// What goes to another account while the first request stands has not left the first.
    @Test func theFirstAccountCountsWhileItsRequestStands() {
        let book = book([("a", .send(post: 1), at("42", "m-1")), ("a", .send(post: 1), at("42", "m-2"))])
        #expect(stranded(book, FlexFactorGateway(id: "42", account: "m-2")) == ["42 1 account(\"m-2\")"])
    }
}
