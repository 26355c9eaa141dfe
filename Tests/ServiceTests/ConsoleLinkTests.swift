import Broker
import Logging
import Synchronization
import Testing

@testable import Service

/// What a console says of its broker.
@Suite struct ConsoleLinkTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct KeptLog: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.all.withLock { $0.append("\(event.level) \(event.message)") } }
    }

    /// Whoever reads its log afterwards is to find the end of what he finds the beginning of.
    @Test func itsLogSaysThatWhatWasAwayIsBack() {
        let (lines, health) = (Lines(), Health())
        for part in Health.Part.allCases { health.isWell(part) }
        let watch = LinkWatch(health: health, metrics: nil, logger: Logger(label: "test") { _ in KeptLog(lines: lines) })
        let events: [LinkEvent] = [
            .connected(.consuming, host: "h"), .connected(.publishing, host: "h"), .disconnected(.consuming, .closed),
            .connectFailed(.consuming, .closed, retryInMilliseconds: 1), .connected(.consuming, host: "h"),
            .blocked(.publishing, reason: "low on memory"), .unblocked(.publishing),
        ]
        for event in events { ConsoleProcess.heard(event, watch) }
        #expect(
            lines.all.withLock { $0 } == [
                "info Connected to the broker", "info Connected to the broker", "warning The connection to the broker is lost",
                "warning No connection to the broker", "info Connected to the broker", "error The broker takes no publishes",
                "info The broker takes publishes again",
            ])
        #expect(health.complaints.isEmpty)
    }
}
