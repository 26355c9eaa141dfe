import TestSupport
import Testing

@testable import DeclineRecovery

/// What is told of a post that FlexFactor refused is found by whoever would post the same, or tell its end.
@Suite struct RefusalClaimTests {
    private struct Stream {
        var book = ClaimBook()
        var offset: Int64 = -1
        let now = Moment(milliseconds: 1_800_000_000_000)

        static func reference(_ id: String) -> RecoveryReference {
            RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: .rerun, sequence: 1)
        }

        @discardableResult
        mutating func append(_ act: Claim.Act, of decline: String = "d-1") -> ClaimVerdict<Int64> {
            offset += 1
            let claim = Claim(
                id: UInt64(offset + 1), merchantID: "acme", reference: Self.reference(decline), debt: Fingerprint("debt"),
                amount: Money(minorUnits: 4_999, currency: .usd), act: act, at: now, until: now + .days(33), worker: "w")
            // What travels is what is read.
            return book.take(ClaimRecord.decode(ClaimRecord(claim).encoded())!.claim, at: offset)
        }
    }

    private func refused() -> Stream {
        var stream = Stream()
        stream.append(.send(post: 1))
        stream.append(.refused(1))
        return stream
    }

    private let refusal = ClaimVerdict<Int64>.nextPost(2, refusal: 1)

    @Test(arguments: [Claim.Basis.absent, .unsent]) func anEndIsToldBesideARefusalThatItsTellerKnows(basis: Claim.Basis) {
        func told(_ refused: Int?) -> Claim.Act { .told(Claim.Told(.expired, basis, refused: refused)) }
        var stream = refused()
        #expect(stream.append(told(0)) == refusal && stream.append(told(1)) == .granted(alone: true, corrects: nil))
        // Older workers do not ask for it.
        var older = refused()
        #expect(older.append(told(nil)) == .granted(alone: true, corrects: nil))
    }

    /// FlexFactor has no such order, as far as it was asked.
    @Test func aRefusalThatCameOfAskingIsOfAllThatStood() {
        var stream = Stream()
        stream.append(.send(post: 1))
        stream.append(.send(post: 1))
        #expect(stream.append(.refused(1, isLast: true)) == .askedTooEarly)
        #expect(stream.append(.refused(2, isLast: true)) == .granted(alone: true, corrects: nil))
        #expect(stream.append(.refused(2, isLast: true)) == .nextPost(2, refusal: 3), "it is told already")
        #expect(stream.append(.send(post: 1)) == .nextPost(2, refusal: 3))
        var seen = Stream()
        seen.append(.send(post: 1))
        seen.append(.exists(answering: nil))
        #expect(seen.append(.refused(1, isLast: true)) == .mayBeCharged)
    }

    @Test func whatWasToldOfItCountsBeforeWhatStandsInItsWay() {
        var stream = refused()
        stream.append(.told(Claim.Told(.approved, .known)), of: "d-2")
        #expect(stream.append(.send(post: 1)) == refusal)
        #expect(stream.append(.send(post: 2)) == .recovered(2))
    }

    @Test func whatFlexFactorHasIsRefusedNoMore() {
        var stream = refused()
        stream.append(.send(post: 2))
        stream.append(.exists(answering: 3))
        #expect(stream.append(.send(post: 1)) == .nextPost(2, refusal: nil))
        #expect(stream.book.standing(of: Fingerprint(of: Stream.reference("d-1"), merchant: "acme"))?.exists == true)
    }

    @Test func itSaysOfWhichPublicationItIs() throws {
        let claim = Claim(
            id: 1, merchantID: "acme", reference: Stream.reference("d-1"), debt: nil, amount: nil, act: .refused(9),
            at: Moment(milliseconds: 1_800_000_000_000), until: Moment(milliseconds: 1_800_000_000_000), worker: "w", edition: .max)
        let record = try #require(ClaimRecord.decode(ClaimRecord(claim, result: Array("{}".utf8)).encoded()))
        #expect(record.isRefusal(of: .max) && !record.isRefusal(of: 1) && !record.isRefusal(of: nil))
        let untold = try #require(ClaimRecord.decode(ClaimRecord(claim).encoded()))
        #expect(!untold.isRefusal(of: .max))
    }
}
