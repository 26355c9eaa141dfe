import DeclineRecovery
import Testing

@Suite struct ReplyPolicyTests {
    @Test(arguments: [
        "amq.gen-Xa9pAmQlfV1qXg5Lr1Yv0A", "amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.g2dkABByYWJiaXRAaG9zdA==.T",
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

    @Test func thePrefixIsTheOperators() {
        #expect(ReplyPolicy(prefix: "answers-").allows("answers-7") && !ReplyPolicy(prefix: "answers-").allows("salvage.reply.7"))
        #expect(!ReplyPolicy(prefix: "").allows("salvage.reply.7") && ReplyPolicy(prefix: "").allows("amq.gen-7"))
        #expect(!ReplyPolicy().allows("salvage.reply." + String(repeating: "x", count: 250)))
    }
}
