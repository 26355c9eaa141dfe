import Foundation
import Testing

@testable import DeclineRecovery
@testable import FlexFactor
@testable import Pipeline
@testable import Service

/// Keys as files that come and go.
@Suite struct CardKeyRingTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ring-\(UUID().uuidString)")

    /// Two keys for all: each takes a while to make.
    private static let pems: [String] = ["a", "b"].compactMap { CardKey.generate(kid: $0)?.privatePEM }

    private func write(_ number: Int, _ name: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.pems[number].write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    private func sealed(with ring: CardKeyRing) throws -> SealedCard { try #require(ring.seal(CardToken("tok_1"))) }

    @Test func aKeyThatIsAddedToAFolderIsHeldFromTheNextReadingOn() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(0, "2026-01.private.pem")
        try write(1, "2026-01.public.pem")
        try write(1, ".hidden.pem")
        let ring = try CardKeyRing(folder.path)
        #expect(ring.keys.kids == ["2026-01"])
        let old = try sealed(with: ring)
        try write(1, "2026-07.pem")
        #expect(ring.files.contains { $0.hasSuffix("2026-07.pem") })
        #expect(ring.keys.kids == ["2026-01"])
        ring.replace(with: try ring.readAgain())
        #expect(ring.keys.kids == ["2026-01", "2026-07"])
        #expect(ring.complaint(about: old) == nil)
        let new = try sealed(with: ring)
        try FileManager.default.removeItem(at: folder.appending(path: "2026-01.private.pem"))
        ring.replace(with: try ring.readAgain())
        guard case .noKey? = ring.complaint(about: old), case .unusable? = ring.complaint(about: SealedCard("$SEALED")) else {
            Issue.record("\(String(describing: ring.complaint(about: old)))")
            return
        }
        #expect(ring.complaint(about: new) == nil)
    }

    @Test func whatIsFaultyTakesNothingAway() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(0, "one.pem")
        let ring = try CardKeyRing("one=\(folder.path)/one.pem")
        try "no key".write(to: folder.appending(path: "one.pem"), atomically: true, encoding: .utf8)
        let faults = #expect(throws: CardKeyRing.Faults.self) { try ring.readAgain() }
        #expect(faults?.list.count == 1)
        #expect(ring.keys.kids == ["one"])
        #expect(throws: CardKeyRing.Faults.self) { try CardKeyRing("no-such-folder") }
    }

    /// One of them would open nothing.
    @Test func twoKeysOfOneKIDAreAFault() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(0, "one.pem")
        try write(1, "two.pem")
        let faults = #expect(throws: CardKeyRing.Faults.self) { try CardKeyRing("k=\(folder.path)/one.pem,k=\(folder.path)/two.pem") }
        #expect(faults?.list.count == 1 && faults?.description.contains("two keys of one KID") == true)
        // The same key twice is one.
        #expect(try CardKeyRing("one=\(folder.path)/one.pem,\(folder.path)").keys.kids == ["one", "two"])
        try write(1, "one.private.pem")
        #expect(throws: CardKeyRing.Faults.self) { try CardKeyRing(folder.path) }
    }

    /// A mount whose rights changed holds no keys that it shows; that is no reason to forget those that are held. Root may read all.
    @Test(.enabled(if: geteuid() != 0)) func aFolderThatCannotBeListedTakesNothingAway() throws {
        defer {
            _ = chmod(folder.path, 0o700)
            try? FileManager.default.removeItem(at: folder)
        }
        try write(0, "one.pem")
        let ring = try CardKeyRing(folder.path)
        #expect(chmod(folder.path, 0) == 0)
        #expect(throws: CardKeyRing.Faults.self) { try ring.readAgain() }
        #expect(ring.keys.kids == ["one"])
    }
}
