import DeclineRecovery
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import Service

/// A broker that does not answer has not said that there is no snapshot, nor confirmed one.
@Suite struct UnaskedSnapshotTests {
    /// A link to where nobody listens.
    private func link() throws -> BrokerLink {
        BrokerLink.connecting(try BrokerConfiguration(url: "amqp://guest:guest@127.0.0.1:1/"))
    }

    @Test func silenceIsNoSnapshotThatIsNotThere() async throws {
        let link = try link()
        await #expect(throws: BrokerError.self) {
            _ = try await ClaimSnapshotStream(link: link, names: TopologyNames()).latest(at: SystemClock().now())
        }
        await link.close()
    }

    /// Whoever finds another stream leaves a sign for those who begin, and is not at its end before the broker has confirmed it.
    @Test(.timeLimit(.minutes(5)))
    func theSignOfALossIsAwaited() async throws {
        let link = try link()
        for isWorker in [true, false] {
            var turns = ClaimSnapshotTurns()
            turns.isLive = isWorker
            let tail = ClaimTail(worker: "test", snapshots: turns)
            tail.session.withLock { $0 = (link, TopologyNames()) }
            func entries(of stream: String) -> [StreamEntry] {
                (Int64(0)..<5).map { offset in
                    StreamEntry(
                        offset: offset, properties: MessageProperties(messageID: "\(stream)-\(offset)"), routingKey: "",
                        body: Array(stream.utf8))
                }
            }
            tail.take(entries(of: "old"))
            #expect(tail.loss == nil && !tail.isSigning)
            tail.take(entries(of: "new"))
            #expect(tail.loss != nil && tail.isSigning == isWorker)
            if !isWorker { continue }
            await link.close()
            try await eventually("nobody is left who could confirm it") { !tail.isSigning }
        }
    }

    /// It says why, is not ready, and asks again until it is told to stop.
    @Test(.timeLimit(.minutes(5)))
    func aWorkerDoesNotBeginByIt() async throws {
        let link = try link()
        let tail = ClaimTail(worker: "test")
        let stop = StopSignal()
        let told = Mutex<[String]>([])
        let following = Task {
            try await tail.follow(link, TopologyNames(), until: stop) { why in told.withLock { $0.append(why) } }
        }
        try await eventually("it has asked twice and says why it waits") {
            told.withLock { $0.count > 1 && $0.allSatisfy { $0.contains("nothing is charged") } }
        }
        #expect(!tail.progress.isCaughtUp)
        stop.set()
        try await following.value
        #expect(!tail.progress.isCaughtUp)
        await link.close()
    }
}
