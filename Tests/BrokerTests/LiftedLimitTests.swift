import Synchronization
import TestSupport
import Testing

@testable import Broker

/// A queue that refuses because somebody limits it, and goes on when nobody does.
@Suite(.timeLimit(.minutes(5))) struct LiftedLimitTests {
    private func limit(_ queue: String, _ definition: String?) throws {
        let host = try TestBroker.configuration().virtualHost
        try TestBroker.evaluate(
            definition.map {
                "rabbit_policy:set(<<\"\(host)\">>, <<\"\(queue)\">>, <<\"^\(queue)$\">>, [\($0)], 0, <<\"queues\">>, <<\"tests\">>)."
            } ?? "rabbit_policy:delete(<<\"\(host)\">>, <<\"\(queue)\">>, <<\"tests\">>).")
    }

    /// RabbitMQ 3.10 tells a channel that a queue is full, and not that it has no limit any more.
    @Test(.needsBroker) func aLimitThatIsLiftedIsNoticed() async throws {
        let lost = Atomic<Int>(0)
        let link = try await TestBroker.open { event in
            if case .disconnected = event { lost.add(1, ordering: .relaxed) }
        }
        let (full, other) = (TestBroker.name("full"), TestBroker.name("other"))
        try await link.declare(Topology(queues: [full, other].map { Queue($0, .quorum, arguments: ["x-overflow": "reject-publish"]) }))
        func publish(_ queue: String) async -> PublishError? {
            do throws(PublishError) {
                try await link.publish([OutgoingMessage(exchange: "", routingKey: queue, body: [1])])
                return nil
            } catch {
                return error
            }
        }
        try limit(full, "{<<\"max-length\">>, 1}")
        try await eventually("it is full") { await publish(full) == .nacked(exchange: "", routingKey: full) }
        try limit(full, nil)
        try await eventually("it takes messages again") {
            // Others are served meanwhile.
            #expect(await publish(other) == nil)
            return await publish(full) == nil
        }
        #expect(lost.load(ordering: .relaxed) == 0)
        try await link.clear(full)
        try await link.clear(other)
        await link.close()
    }

    @Test func theChannelIsOpenedAnewAtOnceAndThenNowAndThen() {
        var renewal = ChannelRenewal()
        #expect(!renewal.isDue(now: 0) && renewal.rest(now: 0) == nil)
        renewal.refused(now: 1_000)
        #expect(renewal.isDue(now: 1_000) && renewal.rest(now: 1_000) == 0)
        renewal.opened(now: 1_010)
        #expect(!renewal.isDue(now: 9_000))
        renewal.refused(now: 1_020)
        renewal.refused(now: 2_500)
        #expect(!renewal.isDue(now: 3_009) && renewal.rest(now: 3_009) == 1 && renewal.isDue(now: 3_010))
    }
}
