import Broker
import FlexFactor
import Logging
import Testing

@testable import DeclineRecovery
@testable import Service

/// What a worker says of its queues.
@Suite struct LinkWatchTests {
    /// Whoever watches the fleet is to know it as `/readyz` does.
    @Test func aQueueThatIsGoneIsSaidUntilItIsReadAgain() {
        let (health, metrics, names) = (Health(), ServiceMetrics(), TopologyNames())
        for part in Health.Part.allCases { health.isWell(part) }
        let watch = LinkWatch(health: health, metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let now = Moment(milliseconds: 1_800_000_000_000)
        let store = ConfigurationStore(SalvageConfiguration(merchants: [], credentials: [:])) { FlexFactorClient($1, now: { now }) }
        let voice = WorkerVoice(
            DeadLetter.Worker(id: "w", host: "h", version: "1"), [.intake, .retry], store, claims: nil, metrics: metrics, health: health
        ) { watch.isAbsent(names.queue(of: $0)) }
        voice.rests(at: [])
        #expect(voice.pulse.idle.isEmpty && voice.pulse.complaints.isEmpty)
        watch.heard(.subscriptionFailed(queue: names.intake, .refused(code: 404, text: "NOT_FOUND")))
        #expect(voice.pulse.idle == [.intake] && voice.pulse.served == [.retry])
        #expect(voice.pulse.complaints.count == 1 && voice.pulse.complaints.first?.hasPrefix("topology: recovery.intake: ") == true)
        watch.heard(.subscriptionRestored(queue: names.intake))
        #expect(voice.pulse.idle.isEmpty && voice.pulse.complaints.isEmpty)
    }

    /// Who cannot publish can tell, claim and charge nothing, and webhooks are to find somebody else.
    @Test func oneConnectionThatStandsSaysNothingOfTheOther() {
        let health = Health()
        for part in Health.Part.allCases where part != .broker { health.isWell(part) }
        let watch = LinkWatch(health: health, metrics: ServiceMetrics(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        watch.heard(.connected(.consuming, host: "h"))
        #expect(health.complaints == ["broker: publishing: not connected yet"])
        watch.heard(.connected(.publishing, host: "h"))
        #expect(health.complaints.isEmpty)
        watch.heard(.disconnected(.publishing, .closed))
        watch.heard(.disconnected(.consuming, .closed))
        watch.heard(.connected(.consuming, host: "h"))
        #expect(health.complaints == ["broker: publishing: \(BrokerError.closed)"])
        watch.heard(.connected(.publishing, host: "h"))
        #expect(health.complaints.isEmpty)
    }

    /// It calls nobody, so it knows of no circuit; and it is not gone though it serves no stage.
    @Test func whoTakesWebhooksAloneSaysSo() {
        let health = Health()
        let now = Moment(milliseconds: 1_800_000_000_000)
        let store = ConfigurationStore(SalvageConfiguration(merchants: [], credentials: [:])) { FlexFactorClient($1, now: { now }) }
        let voice = WorkerVoice(
            DeadLetter.Worker(id: "w", host: "h", version: "1"), [], store, claims: nil, takesWebhooks: true, metrics: ServiceMetrics(),
            health: health)
        #expect(voice.pulse.takesWebhooks && !voice.pulse.isFarewell && voice.pulse.complaints == health.complaints)
        for part in Health.Part.allCases { health.isWell(part) }
        #expect(voice.pulse.complaints.isEmpty && voice.pulse.idle.isEmpty)
    }

    @Test func aPlaceThatRefusesIsSaid() {
        let health = Health()
        let place = Holdings.Place(exchange: "recovery.results", routingKey: "new_sale.approved")
        _ = health.holdings.refused(place, "no such exchange", now: SystemClock().now(), isTrial: false)
        let said = health.holdings.places
        #expect(said.map(\.place) == ["exchange 'recovery.results' with key 'new_sale.approved'"] && said.map(\.count) == [1])
        #expect(said.map(\.why) == ["no such exchange"])
    }
}
