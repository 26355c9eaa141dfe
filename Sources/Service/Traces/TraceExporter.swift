import DeclineRecovery
import FlexFactor
import Logging
import NIOCore

/// Sends the spans that have ended to a collector (OTLP/HTTP). A collector that is away costs spans, never messages: they are let go and
/// counted.
struct TraceExporter: Sendable {
    private let tracer: Tracer
    private let collector: Origin
    private let lane: HTTPLane
    private let metrics: ServiceMetrics
    private let logger: Logger
    private let resource: [(name: String, value: TraceSpan.Value)]

    private static let pause = Duration.seconds(1)
    private static let batch = 512
    private static let patience = TimeAmount.seconds(5)

    /// - Returns: `nil` where nobody takes traces.
    init?(
        _ tracer: Tracer?, _ settings: ProcessSettings, instance: String, host: String, _ lane: HTTPLane, _ metrics: ServiceMetrics,
        _ logger: Logger
    ) {
        guard let tracer, let collector = settings.traceCollector else { return nil }
        self.tracer = tracer
        self.collector = collector
        self.lane = lane
        self.metrics = metrics
        self.logger = logger
        resource = [
            ("service.name", .text("salvage")), ("service.version", .text(SalvageVersion.current)),
            ("service.instance.id", .text(instance)), ("host.name", .text(host)),
        ]
    }

    func run(until stop: StopSignal) async {
        let limiter = LogLimiter()
        while !stop.isSet {
            await stop.wait(atMost: Self.pause)
            await send(limiter)
        }
    }

    /// Sends all that waits; what is not taken is let go, and the rest of this round with it.
    func send(_ limiter: LogLimiter = LogLimiter()) async {
        while true {
            let spans = tracer.take(atMost: Self.batch)
            if spans.isEmpty { break }
            let request = TraceRequest(spans, resource: resource, version: SalvageVersion.current)
            if let refusal = await lane.post(
                request.bytes, type: "application/x-protobuf", path: "/traces", to: collector, within: Self.patience)
            {
                tracer.drop(spans.count)
                if let suppressed = limiter.admit("traces", now: SystemClock().now()) {
                    logger.warning(
                        "Spans were let go: the collector did not take them",
                        metadata: [
                            LogKey.host: "\(collector)", LogKey.error: "\(refusal)", LogKey.count: "\(spans.count)",
                            LogKey.suppressed: "\(suppressed)", LogKey.advice: "Check SALVAGE_TRACES_URL, and the collector.",
                        ])
                }
                break
            }
            metrics.spansExported.add(Double(spans.count))
            if spans.count < Self.batch { break }
        }
        metrics.spansDropped.set(Double(tracer.dropped))
    }
}
