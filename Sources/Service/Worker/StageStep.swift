import Broker
import DeclineRecovery
import FlexFactor
import Pipeline

/// What a stage does with one message, as a span with its parts: how long the message waited in hand, what was decided, what was published.
struct StageStep: Sendable {
    let tracer: Tracer
    let span: TraceSpan

    /// Runs what decides, as a part of the step; claims and calls are parts of that.
    func deciding(_ body: @Sendable () async -> StageOutcome) async -> StageOutcome {
        let part = tracer.begin("decide", .inner, in: span.context)
        let outcome = await Tracer.$current.withValue(span.context) { await body() }
        tracer.end(part)
        return outcome
    }

    func end(_ entry: StageOutcome.JournalEntry, publishedFrom begin: UInt64, count: Int) {
        var isParked = false
        if case .parked = entry.fate { isParked = true }
        tracer.end(
            tracer.begin(
                isParked ? "park" : "publish", .producer, in: span.context, at: begin,
                [("messaging.system", .text("rabbitmq")), ("messaging.batch.message_count", .number(Int64(count)))]))
        var span = span
        span.attributes.append(("salvage.fate", .text(Self.word(entry.fate))))
        if let merchant = entry.merchantID { span.attributes.append(("salvage.merchant", .text(merchant.text))) }
        if let reference = entry.reference { span.attributes.append(("salvage.reference", .text(reference.text))) }
        if let gateway = entry.gatewayID { span.attributes.append(("salvage.gateway", .text(gateway.text))) }
        if case .deadLettered(let reason) = entry.fate { span.fault = reason.rawValue }
        tracer.end(span)
    }
}

extension StageStep {
    private static func word(_ fate: StageOutcome.Kind) -> String {
        switch fate {
        case .passed(let next): "passed to \(next.rawValue)"
        case .told(let kind, let reason): "told \(kind.rawValue) (\(reason))"
        case .parked: "parked"
        case .deadLettered(let reason): "dead-lettered (\(reason.rawValue))"
        case .rejected(let reason): "rejected (\(reason))"
        case .ignored: "ignored"
        }
    }
}

extension Tracer {
    /// Begins the step of a delivery; `nil` where its trace is not recorded.
    func step(of message: IncomingMessage, _ handed: StageRunner.Handed, at queue: String) -> StageStep? {
        let came = TraceParent.came(with: handed.delivery.properties.headers) ? message.traceparent : nil
        guard
            let span = begin(
                "process \(queue)", .consumer, after: came, isAfterward: message.due != nil, at: handed.arrived,
                [
                    ("messaging.system", .text("rabbitmq")), ("messaging.operation.name", .text("process")),
                    ("messaging.destination.name", .text(queue)),
                ])
        else { return nil }
        end(begin("receive", .inner, in: span.context, at: handed.arrived))
        return StageStep(tracer: self, span: span)
    }
}

extension StageRunner {
    /// Has a message's stage decide, as a part of its step.
    func deciding(
        _ message: IncomingMessage, _ step: StageStep?, _ tracestate: String?, _ handle: Handle
    ) async -> StageOutcome {
        // Where nobody traces, nothing is noted for the calls.
        if step == nil, tracestate == nil { return await handle(message) }
        return await TraceState.$current.withValue(tracestate) {
            if let step { await step.deciding { await handle(message) } } else { await handle(message) }
        }
    }
}
