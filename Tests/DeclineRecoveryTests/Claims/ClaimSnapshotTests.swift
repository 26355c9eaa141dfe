import TestSupport
import Testing

@testable import DeclineRecovery

/// What was written down and read again answers as the book that it was, and nothing else is ever read.
@Suite struct ClaimSnapshotTests {
    private static let begin = Moment(milliseconds: 1_800_000_000_000)

    /// What is read: the parts of a snapshot, one behind the other.
    private static func read(_ parts: [[UInt8]], at now: Moment = begin) -> ClaimBook? {
        guard let last = parts.last, let head = ClaimSnapshot.Head(last) else { return nil }
        var reading = ClaimSnapshotReading(head)
        for part in parts { reading.take(part) }
        return reading.finish(at: now)
    }

    private static func parts(of frozen: ClaimBook.Frozen, id: Claim.ID = 7, offset: Int64 = 1_000) -> [[UInt8]] {
        var snapshot = ClaimSnapshot(of: frozen, id: id, offset: offset)
        var parts: [[UInt8]] = []
        while let part = snapshot.nextPart() { parts.append(part) }
        #expect(parts.count == snapshot.parts)
        return parts
    }

    /// The fold of a snapshot and of the claims behind it is the fold of all, wherever it was made, and again from a snapshot of that one.
    @Test(arguments: 0..<20)
    func aBookGoesOnFromASnapshotAsIfItHadReadAll(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var story = RandomClaims(&random)
        var (whole, resumed) = (ClaimBook(), ClaimBook())
        var frozen: ClaimBook.Frozen?
        var behind: [(Claim, Int64)] = []
        for offset in 0..<Int64(3_000) {
            let claim = story.next(&random)
            let (verdict, again) = (whole.take(claim, at: offset), resumed.take(claim, at: offset))
            #expect(verdict == again, "seed \(seed), \(offset): \(claim.act)")
            if verdict != again { return }
            let key = Fingerprint(of: claim.reference, merchant: claim.merchantID)
            #expect(whole.standing(of: key) == resumed.standing(of: key))
            if case .told(let at, _) = verdict { #expect(whole.corrected(by: at, key) == resumed.corrected(by: at, key)) }
            if let debt = claim.debt { #expect(whole.openRecovery(of: debt) == resumed.openRecovery(of: debt)) }
            let rebill = RandomClaims.rebill(of: claim)
            #expect(Set(whole.claims(of: rebill)) == Set(resumed.claims(of: rebill)))
            let debt = story.debt(&random)
            #expect(Set(whole.claims(of: debt)) == Set(resumed.claims(of: debt)))
            behind.append((claim, offset))
            if Int.random(in: 0..<150, using: &random) == 0 {
                for _ in 0..<2 {
                    whole.forget(before: story.now)
                    resumed.forget(before: story.now)
                }
                // What was let go of in the meantime is so for who read it from the snapshot as well.
                frozen = nil
            }
            switch Int.random(in: 0..<200, using: &random) {
            case 0:
                // It is written down while the book goes on.
                frozen = resumed.frozen
                behind = []
            case 1..<4:
                guard let made = frozen else { continue }
                guard var late = Self.read(Self.parts(of: made, offset: offset), at: story.now) else {
                    Issue.record("seed \(seed), \(offset): what was written is not read")
                    return
                }
                for (claim, offset) in behind { _ = late.take(claim, at: offset) }
                resumed = late
                frozen = nil
            default: break
            }
            if offset % 50 == 0 {
                #expect(whole.count == resumed.count && whole.openCount == resumed.openCount, "seed \(seed), \(offset)")
                #expect(whole.openByGateway() == resumed.openByGateway())
            }
        }
    }

    /// More than one part of each kind that a small book has.
    private static func manyParts() -> [[UInt8]] {
        var random = SeededRandom(seed: 5)
        var story = RandomClaims(recoveries: 5_000, debts: 2_000)
        var book = ClaimBook()
        for offset in 0..<Int64(9_000) { _ = book.take(story.next(&random), at: offset) }
        return parts(of: book.frozen)
    }

    @Test func nothingButEveryPartInItsPlaceAndWholeIsRead() {
        let parts = Self.manyParts()
        #expect(parts.count >= 5 && Self.read(parts) != nil)
        var random = SeededRandom(seed: 6)
        let foreign = Self.parts(of: ClaimBook().frozen, id: 8)
        for index in parts.indices {
            #expect(Self.read(Array(parts[..<index] + parts[(index + 1)...])) == nil, "without part \(index)")
            #expect(Self.read(Array(parts[...index] + parts[index...])) == nil, "part \(index) twice")
            var changed = parts
            changed.swapAt(index, (index + 1) % parts.count)
            #expect(Self.read(changed) == nil, "part \(index) and the next in each other's place")
            for _ in 0..<4 {
                changed = parts
                changed[index][Int.random(in: 0..<parts[index].count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                #expect(Self.read(changed) == nil, "a bit of part \(index)")
            }
            changed = parts
            changed[index] = Array(parts[index].prefix(Int.random(in: 0..<parts[index].count, using: &random)))
            #expect(Self.read(changed) == nil, "the beginning of part \(index)")
            changed = parts
            changed[index] = foreign[0]
            #expect(Self.read(changed) == nil, "another's in the place of part \(index)")
        }
        #expect(Self.read(parts + foreign) == nil && Self.read(foreign) != nil)
    }

    /// A later version may mean something else by the same bytes, and name what is not known here.
    @Test func aPartOfAnotherVersionIsPassedBy() throws {
        let parts = Self.parts(of: ClaimBook().frozen)
        func sealed(_ bytes: [UInt8]) -> [UInt8] {
            var writer = PackedWriter(reservingCapacity: bytes.count + 8)
            writer.add(bytes)
            writer.seal()
            return writer.bytes
        }
        var body = Array(parts[0].dropLast(8))
        #expect(sealed(body) == parts[0])
        body[4] = UInt8(ClaimSnapshot.version + 1)
        #expect(Self.read([sealed(body)]) == nil)
        // Whose mark it names is read: it may be the sign of a worker of that version that the claims are lost.
        let head = try #require(ClaimSnapshot.Head(sealed(body)))
        #expect(head.id == 7 && head.offset == 1_000 && !head.isReadable)
        let text = String(decoding: parts[0].dropLast(8).dropFirst(ClaimSnapshot.Head.size), as: UTF8.self)
        let other = text.replacing("\"approved\"", with: "\"improved\"")
        #expect(other != text)
        #expect(Self.read([sealed(parts[0].prefix(ClaimSnapshot.Head.size) + Array(other.utf8))]) == nil)
    }

    /// Whose clock runs ahead lets go of what others must remember.
    @Test func whatWasForgottenTooEarlyIsNotRead() {
        var book = ClaimBook()
        book.forget(before: Self.begin + .minutes(61))
        let parts = Self.parts(of: book.frozen)
        #expect(Self.read(parts) == nil)
        #expect(Self.read(parts, at: Self.begin + .minutes(2)) != nil)
    }

    @Test func aMarkIsNoClaimAndIsReadAsItWasWritten() {
        let mark = ClaimSnapshotMark(id: 123_456_789, at: Self.begin, worker: "salvage host 1")
        #expect(ClaimSnapshotMark.decode(mark.encoded()) == mark)
        #expect(ClaimRecord.decode(mark.encoded()) == nil)
    }
}
