/// The headers that carry a trace from hop to hop (W3C trace context): in messages, in webhooks, and to FlexFactor.
package enum TraceHeader {
    package static let name = "traceparent"
    /// What tracing systems note beside it.
    package static let state = "tracestate"
}
