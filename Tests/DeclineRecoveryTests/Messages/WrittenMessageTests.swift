import DeclineRecovery
import Foundation
import JSON
import Testing

/// What running fleets of this version and of earlier ones wrote (`Written/README.md`) is read, whole.
@Suite struct WrittenMessageTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Written")

    private static func files(_ version: String) throws -> [(name: String, bytes: [UInt8])] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: version).path).sorted()
        return try names.filter { $0.hasSuffix(".json") }.map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: version).appending(path: name))))
        }
    }

    /// A message read and written again; `nil` where nothing of ours reads it.
    private static func rewritten(_ bytes: [UInt8]) throws -> [UInt8]? {
        let type = try #require(try JSONValue(parsing: bytes.span)["type"]?.string)
        switch type {
        case WorkEnvelope.type:
            guard case .recovery(let recovery) = WorkEnvelope.decode(bytes) else {
                Issue.record("\(WorkEnvelope.decode(bytes))")
                return nil
            }
            return WorkEnvelope.encode(recovery)
        case Cancellation.type: return try Cancellation.decode(bytes).get().encoded()
        case CancelNotice.type: return try #require(CancelNotice.decode(bytes)).encoded()
        case Refund.type: return try Refund.decode(bytes).get().encoded()
        case ClaimRecord.type: return try #require(ClaimRecord.decode(bytes)).encoded()
        case JournalRecord.type: return try #require(JournalRecord.decode(bytes)).encoded()
        case DeadLetter.type: return try DeadLetter.decode(bytes).get().encoded()
        case LetterRecord.type: return try LetterRecord.decode(bytes).get().encoded()
        case Pause.type: return try #require(Pause.decode(bytes)).encoded()
        case WorkerPulse.type: return try #require(WorkerPulse.decode(bytes)).encoded()
        case WebhookNews.type: return try WebhookNews.decode(bytes).get().encoded()
        default:
            #expect(type.hasPrefix("com.salvage.recovery."), "\(type) is of no kind that is known")
            return nil
        }
    }

    @Test(arguments: ["before-claims", "with-claims"])
    func everyMessageIsRead(version: String) throws {
        let files = try Self.files(version)
        #expect(files.count >= 20)
        for (name, bytes) in files { #expect(throws: Never.self, "\(version)/\(name)") { _ = try Self.rewritten(bytes) } }
    }

    @Test func theNewestAreWrittenAgainAsTheyAre() throws {
        for (name, bytes) in try Self.files("with-claims") {
            guard let again = try Self.rewritten(bytes) else { continue }
            #expect(String(decoding: again, as: UTF8.self) == String(decoding: bytes, as: UTF8.self), "\(name)")
        }
    }
}
