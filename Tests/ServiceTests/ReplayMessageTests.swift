import Broker
import DeclineRecovery
import JSON
import Testing

@testable import Operations
@testable import Service

/// What of a letter's message goes out again.
@Suite struct ReplayMessageTests {
    private func letter(
        _ headers: FieldTable, stage: Stage = .intake, exchange: String = "declines", routingKey: String = "decline.initial"
    ) -> DeadLetter {
        DeadLetter(
            reason: .unknownMerchant, explanation: "", stage: stage,
            original: DeadLetter.Original(
                exchange: exchange, routingKey: routingKey, redelivered: false, messageID: "m-1", type: nil, contentType: nil,
                correlationID: nil,
                replyTo: nil, headers: headers.fields.map { .init(name: $0.name, value: JSONValue($0.value)) },
                redactedBody: Array("{}".utf8),
                originalByteCount: 2),
            identity: [], worker: DeadLetter.Worker(id: "w", host: "h", version: "1"), writtenAt: Moment(milliseconds: 0))
    }

    private func sent(_ headers: FieldTable) throws -> FieldTable {
        // By way of the stream.
        let letter = try DeadLetter.decode(letter(headers).encoded()).get()
        let message = ReplayMessage(letter, body: Array("{}".utf8), run: UUID5(high: 1, low: 2), TopologyNames()).brokerMessage
        return FieldTable(message.properties.headers.fields.filter { $0.name != "traceparent" })
    }

    /// To the exchange of receivers at the edge only they may write; the same queue has another.
    @Test(arguments: [Stage.suspects, .unrouted, .held])
    func whatAReceiverPublishedGoesAgainByWayOfTheStages(stage: Stage) {
        let letter = letter(FieldTable(), stage: stage, exchange: "recovery.news", routingKey: "outcomes")
        let message = ReplayMessage(letter, body: Array("{}".utf8), run: UUID5(high: 1, low: 2), TopologyNames()).brokerMessage
        #expect(message.exchange == "recovery.work" && message.routingKey == "outcomes")
    }

    @Test(arguments: [
        FieldValue.string("text"), .string(""), .integer(.min), .integer(.max), .bool(false), .double(0.1), .double(2), .timestamp(.max),
        .decimal(scale: 2, value: .max),
        .void, .array([.string("a"), .integer(1), .array([])]),
        .table(["a": .table(["b": .bool(true)]), "amqp:timestamp": .integer(1), "c": .void]),
    ])
    func aHeaderKeepsItsType(value: FieldValue) throws {
        #expect(try sent(["crm": value]) == ["crm": value])
    }

    /// The broker closes the channel of whoever publishes a CC that is no array; an array would send copies to where it says.
    @Test(arguments: [FieldValue.array([.string("x")]), .string("x"), .table(["a": .string("b")]), .integer(7), .void])
    func ordersForCopiesAreNotCarriedOutAgain(value: FieldValue) throws {
        #expect(try sent(["CC": value, "BCC": value, "x-delay": value, "cc": "mine"]) == ["cc": "mine"])
    }

    /// Their content is not in the letter; a header that says something else must not stand in their place.
    @Test func whatWasNotKeptIsLeftOut() throws {
        #expect(try sent(["photo": .bytes([1, 2, 3]), "list": .array([.bytes([1]), .string("a")])]) == ["list": .array([.string("a")])])
        var deep = FieldValue.string("bottom")
        for _ in 0..<1_000 { deep = .array([deep]) }
        #expect(try sent(["deep": deep, "crm": "a"]).fields.map(\.name) == ["deep", "crm"])
    }
}
