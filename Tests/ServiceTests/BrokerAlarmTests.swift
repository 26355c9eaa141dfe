import Broker
import DeclineRecovery
import FlexFactor
import Logging
import Operations
import Testing

@testable import Service

/// What people are told while the broker takes no messages.
@Suite struct BrokerAlarmTests {
    private let health = Health()
    private let metrics = ServiceMetrics()
    private let watch: LinkWatch

    init() {
        watch = LinkWatch(health: health, metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for part in Health.Part.allCases { health.isWell(part) }
    }

    private var isCounted: Bool { metrics.page(circuits: [:]).contains("salvage_broker_blocked{connection=\"publishing\"} 1\n") }

    /// Another pod could do no more, and webhooks are to find somebody.
    @Test func aWorkerNotesItAndStaysReady() {
        #expect(health.notes.isEmpty && !isCounted)
        watch.heard(.blocked(.publishing, reason: "low on memory"))
        #expect(health.complaints.isEmpty && health.notes.count == 1 && isCounted)
        #expect(health.notes.first?.hasPrefix("publishing: the broker takes no messages (its alarm: low on memory)") == true)
        watch.heard(.unblocked(.publishing))
        #expect(health.complaints.isEmpty && health.notes.isEmpty && !isCounted)
    }

    @Test func whatAConnectionHeardGoesWithIt() {
        watch.heard(.blocked(.publishing, reason: "low on disk"))
        watch.heard(.disconnected(.consuming, .closed))
        #expect(health.notes.count == 1 && isCounted)
        watch.heard(.disconnected(.publishing, .closed))
        #expect(health.notes.isEmpty && !isCounted)
    }

    @Test func aCommandIsToldWhatItCouldNotDoAndWhatToDo() {
        let failures = [
            BrokerFailure(BrokerError.blocked(reason: "low on memory")),
            BrokerFailure(PublishError.blocked(reason: "low on memory", isUnsent: true)),
            BrokerFailure(PublishError.blocked(reason: "low on memory", isUnsent: false)),
        ]
        let endings = ["nothing was changed", "what was to be sent was not", "may have arrived, or may yet"]
        for (failure, ending) in zip(failures, endings) {
            #expect(failure.description.hasPrefix("the broker takes no messages (its alarm: low on memory); "), "\(failure)")
            #expect(failure.description.hasSuffix(ending) && failure.advice.contains("`rabbitmqctl status`"), "\(failure)")
            // It is the broker, and no message of a batch: one by one they would fare no better.
            #expect(failure.isAbsence && failure.isAlarm && !failure.isOfOneMessage && !failure.isRefusal)
        }
        #expect(!BrokerFailure(PublishError.connectionLost).isAlarm && !BrokerFailure(BrokerError.closed).isAlarm)
    }
}
