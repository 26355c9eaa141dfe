import Pipeline
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Whatever id somebody has of an order, it leads to the whole of its story.
@Suite struct OrderSearchTests {
    private static let start = OperatorWorld.start

    /// A recovery's story: taken in, put away, told; the ids stand where workers write them.
    private static func story(_ order: String, flexFactor: String, transaction: String, event: String, at minute: Int64) -> [JournalRecord]
    {
        let reference = RecoveryReference(orderID: order, kind: .sale, sequence: 0)
        func record(
            _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, after seconds: Int64, decline: JournaledDecline? = nil,
            told: FlexFactorOrderID? = nil
        ) -> JournalRecord {
            JournalRecord(
                at: start + .minutes(minute) + .seconds(seconds), stage: stage, merchantID: "acme", reference: reference, gatewayID: "42",
                fate: fate, detail: detail, attempts: 1, decline: decline, flexFactorOrderID: told, workerID: "w")
        }
        let decline = JournaledDecline(
            source: "nmi", code: "201", gatewayID: "9", networkCode: nil, network: nil, advice: nil, text: nil, textDigest: nil,
            crmClass: nil, orderType: .newSale, isCascade: true, confidence: .code, transactionID: transaction, eventID: event)
        return [
            record(.intake, .passed, "cascade", after: 0, decline: decline), record(.cascade, .parked, "unanswered", after: 1),
            record(.cascade, .told, "approved", after: 2, told: FlexFactorOrderID(flexFactor)),
        ]
    }

    private let world = OperatorWorld()

    private func search(_ wanted: String) async throws -> OrderSearch.Found {
        try await OrderSearch(wanted).read(since: Self.start, in: world.broker.process().journal)
    }

    init() {
        let stories = [
            Self.story("A-1001", flexFactor: "ff-77ab0001", transaction: "tx.900001", event: "crm/evt-e1", at: 1),
            Self.story("A-10012", flexFactor: "ff-77ab0002", transaction: "tx.900002", event: "crm/evt-e2", at: 2),
            Self.story("Größe \"9\"", flexFactor: "ff-88cd0003", transaction: "tx.800003", event: "crm/evt-f3", at: 3),
        ]
        // As they come in a fleet: between one another.
        for record in (0..<3).flatMap({ step in stories.map { $0[step] } }) { world.broker.write(record) }
    }

    @Test(
        arguments: [
            ("A-1001", nil), ("ff-77ab0001", "FlexFactor order id"), ("tx.900001", "declined transaction's id"),
            ("crm/evt-e1", "event's id"),
            ("AB0001", "a part of the FlexFactor order id"), ("evt-E1", "a part of the event's id"),
        ] as [(String, String?)])
    func anyIDLeadsToAllOfItsOrder(wanted: String, said: String?) async throws {
        let found = try await search(wanted)
        #expect(found.records.map(\.reference.orderID) == ["A-1001", "A-1001", "A-1001"])
        #expect(found.records.map(\.at) == found.records.map(\.at).sorted())
        if let said {
            #expect(found.sentence?.contains(said) == true, "\(found.sentence ?? "nothing")")
        } else {
            #expect(found.sentence == nil)
        }
    }

    @Test func aReferenceOrAnOrderWithOddCharactersIsFoundAsWell() async throws {
        let reference = RecoveryReference(orderID: "A-1001", kind: .sale, sequence: 0).text
        #expect(try await search(reference).records.count == 3)
        #expect(try await search("Größe \"9\"").records.count == 3)
        #expect(try await search("tx.800003").records.count == 3)
    }

    @Test func aPartFindsAllThatHaveIt() async throws {
        let found = try await search("a-100")
        #expect(Set(found.records.map(\.reference.orderID)) == ["A-1001", "A-10012"] && found.records.count == 6)
        #expect(found.sentence == "Found by a part of the order id.")
        #expect(try await search("77ab").records.count == 6)
        #expect(try await search("a-1").records.isEmpty, "three characters are in too many")
        #expect(try await search("nothing-of-it").records.isEmpty)
    }

    @Test func ofMoreThanOneLooksThroughTheNewestAreShownAndTheRestCounted() async throws {
        for number in 0..<24 {
            for record in Self.story("LOT\(100 + number)", flexFactor: "f", transaction: "t", event: "e", at: Int64(10 + number)) {
                world.broker.write(record)
            }
        }
        let found = try await search("lot1")
        #expect(found.more == 4 && Set(found.records.map(\.reference.orderID)) == Set((4..<24).map { "LOT\(100 + $0)" }))
        #expect(found.sentence?.contains("4 more have it") == true)
    }

    /// A letter that the journal says nothing of is found by an id that stands in its message.
    @Test func whatDiedBeforeItWasARecoveryIsFoundByItsLetter() async throws {
        world.write([OperatorWorld.letter("LOST-1")])
        let store = try await world.tools(world.broker.process()).store
        for (wanted, count) in [("LOST-1", 1), ("lost-", 1), ("lo", 0), ("A-1001", 0)] {
            #expect(try await store.letters(of: search(wanted), wanted).count == count, "\(wanted)")
        }
    }
}
