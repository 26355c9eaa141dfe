import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

/// To whom intake answers beside the results' exchange.
@Suite struct IntakeReplyTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)

    private func handle(_ body: String, replyTo: String?, messageID: String? = "m-1", replies: ReplyPolicy = ReplyPolicy()) async
        -> StageOutcome
    {
        await IntakeStage(in: .sample(ManualClock(Self.now)), merchants: Merchants(), replies: replies).handle(
            IncomingMessage(
                body: Array(body.utf8), messageID: messageID, correlationID: "c-1", replyTo: replyTo, exchange: "declines",
                routingKey: "decline.initial"))
    }

    private func reply(_ handled: StageOutcome) -> StageMessage? {
        handled.publishing.first { if case .reply = $0.destination { true } else { false } }
    }

    private static let faulty =
        #"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"merchantId":"acme"}}"#

    @Test(arguments: ["no json", #"{"a":1,"a":2}"#, "", faulty])
    func whatIsUnusableIsAnsweredWhereAnAnswerWasAskedFor(body: String) async throws {
        let queue = "amq.rabbitmq.reply-to.g1h2AAdyZXBseUAxAAAElQAAAABrCQpk.YTmkLILNpiCI7AgmdbAmJg=="
        let handled = await handle(body, replyTo: queue)
        let answer = try #require(reply(handled))
        #expect(answer.destination == .reply(queue: queue) && answer.correlationID == "c-1")
        let event = try JSONValue(parsing: answer.body.span)
        #expect(event["type"]?.string == "com.salvage.recovery.rejected.v1")
        #expect(event["data"]?["reason"]?["code"]?.string == (body == Self.faulty ? "invalid_event" : "unreadable"))
        #expect(event["data"]?["faults"]?.array?.isEmpty == false)
        // Everybody else hears the same, and the letter is written.
        #expect(handled.publishing.contains { if case .results(nil, .rejected) = $0.destination { $0.body == answer.body } else { false } })
        #expect(handled.publishing.contains { $0.destination == .deadLetters })
        #expect(!handled.entry.hasRefusedReply)
    }

    @Test func withoutAnyIdTheAnswerHasOneOfItsOwnTheSameAtEachRepeat() async throws {
        let first = try #require(reply(await handle("no json", replyTo: "amq.gen-1", messageID: nil)))
        let second = try #require(reply(await handle("no json", replyTo: "amq.gen-1", messageID: nil)))
        let other = try #require(reply(await handle("no JSON", replyTo: "amq.gen-1", messageID: nil)))
        #expect(first.messageID == second.messageID && first.messageID != other.messageID)
    }

    @Test func nobodyIsToldWhereNobodyAsksAndNothingIsNamed() async {
        #expect(await handle("no json", replyTo: nil, messageID: nil).publishing.map(\.destination) == [.deadLetters])
        // A card number is no name to call a message by.
        #expect(await handle("no json", replyTo: nil, messageID: "4012888888881881").publishing.map(\.destination) == [.deadLetters])
    }

    @Test(arguments: ["tenant.inbox", "recovery.cascade", "crm.results", "declines", "amq.direct", "amq.rabbitmq.reply-to.x.y"])
    func noAnswerGoesToAQueueThatWasNotMeantForIt(queue: String) async {
        for body in ["no json", Self.faulty] {
            let handled = await handle(body, replyTo: queue)
            #expect(reply(handled) == nil && handled.entry.hasRefusedReply)
        }
    }

    @Test func aPrefixOfOursIsNoWayAroundTheRule() async {
        #expect(reply(await handle(Self.faulty, replyTo: "recovery.cascade", replies: ReplyPolicy(prefix: "recovery."))) == nil)
    }
}
