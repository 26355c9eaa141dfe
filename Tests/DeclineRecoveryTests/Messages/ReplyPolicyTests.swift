import DeclineRecovery
import Testing

@Suite struct ReplyPolicyTests {
    @Test(arguments: [
        "amq.gen-Xa9pAmQlfV1qXg5Lr1Yv0A", "amq.rabbitmq.reply-to",
        "amq.rabbitmq.reply-to.g2dkABByYWJiaXRAaG9zdAAAAAAAAAAAAA==.VA==",
        "amq.rabbitmq.reply-to.g1hkAA1ub25vZGVAbm9ob3N0AAAACQAAAAAAAAAA.YTmkLILNpiCI7AgmdbAmJg==",
        "amq.rabbitmq.reply-to.g1h2AA5yZXBseUA3MDMwNjg4NAAAAAkAAAAAAAAAAA==.YTmkLILNpiCI7AgmdbAmJg==",
        "salvage.reply.checkout", "salvage.reply.1",
    ])
    func whereSomebodyWaitsForOneAnswerItMayGo(queue: String) {
        #expect(ReplyPolicy().allows(queue))
    }

    @Test(arguments: [
        "", "tenant.inbox", "crm.results", "amq.gen", "amq.gen-", "AMQ.GEN-x", "amq.rabbitmq.trace", "amq.rabbitmq.reply-to2",
        "amq.rabbitmq.reply-to.", "salvage.reply",
        "salvage.reply.", "Salvage.reply.x", "xsalvage.reply.1", " salvage.reply.x", "salvage.reply\u{301}.x",
    ])
    func nowhereElse(queue: String) {
        #expect(!ReplyPolicy().allows(queue))
    }

    /// For each of these RabbitMQ ends the connection that would answer, or knows nobody.
    @Test(arguments: [
        ".", "x", "x.y", "g1h2AA==", "g1h2AA==.", ".YTmkLILNpiCI7AgmdbAmJg==", "g1h2AA==..VA==", "g1h2AA==.VA==.VA==", "g1h2AA==.V",
        "g1h2AA=.VA==", "g1h2AA== .VA==", "g1h2AA\u{e9}.VA==", "g2EB.VA==", "g2o=.VA==", "g1g=.VA==", "g20AAAABeA==.VA==", "AAAA.VA==",
        "g2QAA2Zvbw==.VA==", String(repeating: "A", count: 200),
    ])
    func aTokenThatTheBrokerCannotHaveWrittenIsNone(token: String) {
        #expect(!ReplyPolicy().allows("amq.rabbitmq.reply-to." + token))
        #expect(!ReplyPolicy(prefix: "amq.rabbitmq.").allows("amq.rabbitmq.reply-to." + token))
    }

    @Test func thePrefixIsTheOperators() {
        #expect(ReplyPolicy(prefix: "answers-").allows("answers-7") && !ReplyPolicy(prefix: "answers-").allows("salvage.reply.7"))
        #expect(!ReplyPolicy(prefix: "").allows("salvage.reply.7") && ReplyPolicy(prefix: "").allows("amq.gen-7"))
        #expect(!ReplyPolicy().allows("salvage.reply." + String(repeating: "x", count: 250)))
    }
}
