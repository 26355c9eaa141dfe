import DeclineRecovery
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import Service

/// A broker that does not answer has not said that there is no snapshot, nor that this is the stream that was read before.
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
