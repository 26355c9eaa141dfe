import DeclineRecovery
import Testing

@Suite struct TopologyNamesTests {
    let names = TopologyNames()

    @Test func whatIsOnItsWayToAStageIsKnownByItsKey() {
        for stage in Stage.allCases where stage != .unrouted {
            #expect(names.stage(of: stage.rawValue, deliveredAs: names.work) == stage)
            #expect(names.stage(of: DelayLadder.entry(after: .seconds(77), to: stage).routingKey, deliveredAs: names.delays[0]) == stage)
        }
        // That one has no way of its own: a letter it is.
        #expect(names.stage(of: "unrouted", deliveredAs: names.work) == nil)
    }

    @Test(arguments: ["new_sale.approved", "decline.initial", "decline.cascade", "", ".", "1.0.elsewhere", "cascade.", "cascade.0"])
    func nothingElseIs(key: String) {
        #expect(names.stage(of: key, deliveredAs: names.unrouted) == nil)
    }

    @Test func noResultAndNoDeclineIsTakenForAStagesMessage() {
        #expect(names.stage(of: "cascade", deliveredAs: names.declines) == nil)
        #expect(names.stage(of: "cascade", deliveredAs: names.results) == nil)
        // Whoever may publish anywhere can have a queue drive it there, and write over why the broker did.
        for name in ["intake", "held", "0.1.cascade"] {
            #expect(names.stage(of: name, deliveredAs: names.unrouted) == nil && names.stage(of: name, deliveredAs: names.news) == nil)
        }
        #expect(names.stage(of: "outcomes", deliveredAs: names.news) == .outcomes)
    }

    @Test(arguments: [
        ("recovery.results", "x", "recovery.results"), ("recovery.unrouted", "new_sale.approved", "recovery.results"),
        ("", "recurring.refunded", "recovery.results"), ("recovery.unrouted", "unknown.rejected", "recovery.results"),
        ("recovery.unrouted", "decline.initial", "declines"), ("recovery.unrouted", "command.cancel", "declines"),
        ("recovery.unrouted", "new_sale.else", "recovery.unrouted"), ("recovery.unrouted", "", "recovery.unrouted"),
    ])
    func theExchangeIsTheBrokersWordOrFollowsFromTheKey(delivered: String, key: String, expected: String) {
        #expect(names.exchange(of: key, deliveredAs: delivered) == expected)
    }
}
