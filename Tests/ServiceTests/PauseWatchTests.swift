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
            DeadLetter.Worker(id: Self.id, host: "pod-1", version: "1"), [.cascade, .retry], store, claims: nil, metrics: metrics,
            health: health)
    }

    private final class Asked: Sendable {
        let stages = Mutex<[Stage]>([])
        var count: Int { stages.withLock { $0.count } }
    }

    /// What watches a process that asks in vain to be handed anything.
    private func watch(_ pauses: PauseTail, _ asked: Asked) -> PauseWatch {
        let clock = ManualClock(Self.now)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let handle: StageRunner.Handle = { _ in fatalError("nothing comes") }
        let subscriptions = [Stage.cascade, .retry].map { stage in
            let runner = StageRunner(
                stage, lanes: [(Lane(MultiThreadedEventLoopGroup.singleton.next()), handle)],
                names: TopologyNames(), report: StageReport(stage, metrics: metrics, clock: clock, logger: logger), clock: clock,
                workerID: Self.id, cut: CutMessage(in: .sample(clock)), suspicion: Suspicion(limit: 3), longestHold: .minutes(15),
                holdings: health.holdings, budget: nil, tracer: nil, replying: { _, _ in })
            return StageSubscription(runner) { () async throws(BrokerError) in
                asked.stages.withLock { $0.append(stage) }
                throw .closed
            }
        }
        return PauseWatch(
            workerID: Self.id, pauses: pauses, subscriptions: subscriptions, voice: voice, health: health, metrics: metrics, logger: logger)
    }

    private func paused(_ target: Pause.Target) -> PauseTail {
        var known = Pauses()
        known.take(Pause(target, since: Self.now, until: Self.now + .minutes(10), by: "ada", why: "its node goes"))
        return PauseTail(known)
    }

    /// The first stage that a process subscribes to as it begins; `nil` where there is none.
    private func begins(with pause: Pause.Target) async -> Stage? {
        let asked = Asked()
        _ = try? await watch(paused(pause), asked).begin(now: Self.now)
        return asked.stages.withLock { $0.first }
    }

    /// Its queue is gone, or may not be read: whoever says that it works again has nobody look.
    @Test func whoCannotGoOnAfterAPauseIsNeitherWellNorHeardToWork() async throws {
        let asked = Asked()
        let watch = watch(paused(.worker(Self.id)), asked)
        let first = try await watch.begin(now: Self.now)
        health.isWell(.consumers)
        var standing = PauseWatch.Standing(inForce: first, quiet: first.first)
        let end = Self.now + .minutes(10)
        await watch.look(behind: &standing, now: end + .milliseconds(-1))
        #expect(asked.count == 0 && !health.complaints.contains { $0.hasPrefix("consumers") })
        for milliseconds in [0, 500, 1_000, 1_500] as [Int64] {
            await watch.look(behind: &standing, now: end + .milliseconds(milliseconds))
        }
        #expect(asked.count == 2, "each stage once in two seconds")
        #expect(voice.pulse.quiet?.by == "ada" && standing.inForce.isEmpty)
        #expect(health.complaints.contains { $0.hasPrefix("consumers: retry cannot go on after a pause") }, "\(health.complaints)")
        #expect(health.notes.isEmpty, "the pause is over")
        await watch.look(behind: &standing, now: end + .seconds(2))
        #expect(asked.count == 4 && voice.pulse.idle == [.cascade, .retry] && voice.pulse.complaints == health.complaints)
        // Nothing is to take anything: nothing is amiss.
        let again = self.watch(paused(.worker(Self.id)), asked)
        await again.look(behind: &standing, now: Self.now)
        #expect(!health.complaints.contains { $0.hasPrefix("consumers") } && standing.triedAgain == nil)
        #expect(voice.pulse.idle.isEmpty)
    }

    /// Whoever is told to stop is not ready any more, and nothing is amiss.
    @Test func whoHasNotBegunServesNothingAndWhoLeavesComplainsOfNothing() {
        #expect(voice.pulse.idle == [.cascade, .retry] && voice.pulse.complaints.contains("consumers: not subscribed yet"))
        voice.leaves()
        #expect(voice.pulse.idle.isEmpty && voice.pulse.complaints.isEmpty && voice.pulse.stages == [.cascade, .retry])
    }

    /// It would be handed what it can neither charge nor tell, over and over.
    @Test func whoCanClaimNothingAnyMoreTakesNothingAndIsNotReady() async {
        let asked = Asked()
        var watch = watch(PauseTail(), asked)
        watch.loss = { "the stream is gone" }
        health.isWell(.consumers)
        var standing = PauseWatch.Standing(inForce: [], quiet: nil)
        await watch.look(behind: &standing, now: Self.now)
        #expect(asked.count == 0 && health.complaints.contains("claims: the stream is gone"), "\(health.complaints)")
        watch.loss = { nil }
        await watch.look(behind: &standing, now: Self.now)
        #expect(asked.count == 2)
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
