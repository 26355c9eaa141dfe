import FlexFactor
import Logging
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import DeclineRecovery
@testable import Pipeline
@testable import Service

/// What a process does with pauses that it knows of before it takes any work, told without a broker.
@Suite struct PauseWatchTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let id = "salvage pod-1 1"
    private let health = Health()
    private let metrics = ServiceMetrics()
    private let voice: WorkerVoice

    init() {
        let store = ConfigurationStore(SalvageConfiguration(merchants: [], credentials: [:])) { FlexFactorClient($1, now: { Self.now }) }
        voice = WorkerVoice(
            DeadLetter.Worker(id: Self.id, host: "pod-1", version: "1"), [.cascade, .retry], store, claims: nil, metrics: metrics)
    }

    private final class Asked: Sendable {
        let first = Mutex<Stage?>(nil)
    }

    /// The first stage that a process subscribes to as it begins; `nil` where there is none.
    private func begins(with pause: Pause.Target) async -> Stage? {
        let asked = Asked()
        let clock = ManualClock(Self.now)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let handle: StageRunner.Handle = { _ in fatalError("nothing comes") }
        let subscriptions = [Stage.cascade, .retry].map { stage in
            let runner = StageRunner(
                stage, lanes: [(Lane(MultiThreadedEventLoopGroup.singleton.next()), handle)],
                names: TopologyNames(), report: StageReport(stage, metrics: metrics, clock: clock, logger: logger), clock: clock,
                workerID: Self.id, cut: CutMessage(in: .sample(clock)), suspicion: Suspicion(limit: 3), longestHold: .minutes(15),
                holdings: health.holdings, budget: nil, tracer: nil)
            return StageSubscription(runner) { () async throws(BrokerError) in
                asked.first.withLock { $0 = $0 ?? stage }
                throw .closed
            }
        }
        var known = Pauses()
        known.take(Pause(pause, since: Self.now, until: Self.now + .minutes(10), by: "ada", why: "its node goes"))
        let watch = PauseWatch(
            workerID: Self.id, pauses: PauseTail(known), subscriptions: subscriptions, voice: voice, health: health, metrics: metrics,
            logger: logger)
        _ = try? await watch.begin(now: Self.now)
        return asked.first.withLock { $0 }
    }

    /// A container that is started anew in its pod has the id that it had.
    @Test func aWorkerThatWasPausedBeforeItBeganTakesNothingAndSaysSo() async {
        #expect(await begins(with: .worker(Self.id)) == nil)
        let said = voice.pulse.quiet
        #expect(said?.since == Self.now && said?.until == Self.now + .minutes(10) && said?.by == "ada" && said?.why == "its node goes")
        #expect(voice.pulse.stages == [.cascade, .retry])
        #expect(health.notes == ["paused until \((Self.now + .minutes(10)).rfc3339): takes nothing new"])
        #expect(!health.complaints.contains { $0.contains("paused") }, "it is not broken")
        #expect(metrics.page(circuits: [:]).contains(#"salvage_paused{kind="worker",stage=""} 1"#))
    }

    @Test func anothersPauseIsNotItsOwn() async {
        #expect(await begins(with: .worker("salvage pod-1 17")) == .cascade)
        #expect(voice.pulse.quiet == nil && health.notes.isEmpty)
        #expect(metrics.page(circuits: [:]).contains(#"salvage_paused{kind="worker",stage=""} 0"#))
    }

    @Test func aStageThatIsPausedRestsAndTheOthersBegin() async {
        #expect(await begins(with: .stage(.cascade)) == .retry)
        #expect(voice.pulse.quiet == nil)
    }
}
