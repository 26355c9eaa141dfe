import Broker
import Logging
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline
@testable import Service

/// Whoever mends a place that refused is to know when what waits for it is tried.
@Suite struct HoldingsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let results = Holdings.Place(exchange: "recovery.results", routingKey: "new_sale.approved")
    private let clock = ManualClock(HoldingsTests.now)

    /// How long the next waits when so many have been refused.
    private func pause(after refusals: Int, isAlone: Bool) throws -> Int64 {
        let holdings = Holdings(clock: clock)
        for _ in 0..<refusals { _ = holdings.refused(Self.results, "full", now: clock.now(), isTrial: true, isAlone: isAlone) }
        return (try #require(holdings.places.first?.triedAt) - clock.now()).milliseconds / 1_000
    }

    /// Each try is told again to whoever else receives it; but who has lifted a limit is not to wait for long.
    @Test func theMoreOftenItIsRefusedTheLongerItWaitsUpToMinutes() throws {
        for isAlone in [true, false] { #expect(try (3...5).contains(pause(after: 1, isAlone: isAlone))) }
        #expect(try (45...60).contains(pause(after: 40, isAlone: true)))
        #expect(try (225...300).contains(pause(after: 40, isAlone: false)))
    }

    @Test func whenTheNextIsTriedIsSaid() throws {
        let holdings = Holdings(clock: clock)
        _ = holdings.refused(Self.results, "full", now: clock.now(), isTrial: false)
        let next = try #require(holdings.places.first?.triedAt)
        #expect(
            holdings.remarks == [
                "held: 1 for \(Self.results), which refuses since \(Self.now.rfc3339): full; the next is tried at \(next.rfc3339)"
            ])
        clock.pass(.seconds(6))
        #expect(holdings.remarks.first?.hasSuffix("; the next that comes is tried") == true)
    }

    @Test func sinceWhenDeliveriesAreKeptInHandIsSaid() {
        let holdings = Holdings(clock: clock)
        let first = holdings.begin(.intake)
        clock.pass(.seconds(30))
        let second = holdings.begin(.retry)
        holdings.end(first)
        #expect(holdings.complaints.count == 1)
        #expect(holdings.complaints.first?.hasPrefix("deliveries: 1 are held since \(Self.now.rfc3339), ") == true)
        #expect(holdings.complaints.first?.contains("tried again within 15 s") == true)
        holdings.end(second)
        #expect(holdings.complaints.isEmpty)
        _ = holdings.begin(.intake)
        #expect(holdings.complaints.first?.contains("since \(clock.now().rfc3339)") == true)
    }

    private final class Lines: Sendable {
        let all = Mutex<[Logger.Metadata]>([])
    }

    private struct KeptLog: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.all.withLock { $0.append(event.metadata ?? [:]) } }
    }

    @Test func theLogSaysUntilWhenAMessageIsPutAway() {
        let lines = Lines()
        let metrics = ServiceMetrics()
        let report = StageReport(.held, metrics: metrics, clock: clock, logger: Logger(label: "test") { _ in KeptLog(lines: lines) })
        let refused = PublishError.nacked(exchange: Self.results.exchange, routingKey: Self.results.routingKey)
        let until = Self.now + .minutes(4)
        report.putAway(Self.results, refused, until: until)
        report.refusedAgain(Self.results, refused, until: until)
        let told = lines.all.withLock { $0 }
        #expect(told.count == 2 && told.allSatisfy { $0[LogKey.until] == "\(until.rfc3339)" })
        #expect(told.last?[LogKey.advice]?.description.contains("a restart brings none sooner") == true)
        #expect(metrics.page(circuits: [:]).contains("salvage_finish_failures_total{stage=\"held\",why=\"nacked\"} 1\n"))
    }
}
