import DeclineRecovery

/// Spans in the words of OpenTelemetry's protocol: an ExportTraceServiceRequest in protobuf
/// (opentelemetry-proto, collector/trace/v1 and trace/v1).
struct TraceRequest {
    let bytes: [UInt8]

    /// - Parameter resource: who records: service.name and the like.
    init(_ spans: [TraceSpan], resource: [(name: String, value: TraceSpan.Value)], version: String) {
        var request = ProtobufWriter()
        request.message(1) { resourceSpans in
            resourceSpans.message(1) { $0.attributes(1, resource) }
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.message(1) { scope in
                    scope.text(1, "salvage")
                    scope.text(2, version)
                }
                for span in spans { scopeSpans.message(2) { Self.write(span, to: &$0) } }
            }
        }
        bytes = request.bytes
    }

    private static func write(_ span: TraceSpan, to message: inout ProtobufWriter) {
        message.bytes(1, span.context.traceBytes)
        message.bytes(2, span.context.spanBytes)
        if let parent = span.parent { message.bytes(4, SpanContext.bytes(parent)) }
        message.text(5, span.name)
        message.integer(6, span.kind.rawValue)
        message.fixed(7, span.begin)
        message.fixed(8, max(span.end, span.begin))
        message.attributes(9, span.attributes)
        if let link = span.link {
            message.message(13) { written in
                written.bytes(1, link.traceBytes)
                written.bytes(2, link.spanBytes)
            }
        }
        if let fault = span.fault {
            message.message(15) { status in
                status.text(2, fault)
                status.integer(3, 2)
            }
        }
    }
}

/// Writes protobuf's wire format: as much of it as a trace needs.
private struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    mutating func fixed(_ field: UInt64, _ value: UInt64) {
        varint(field << 3 | 1)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    mutating func bytes(_ field: UInt64, _ content: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(content.count))
        bytes += content
    }

    mutating func text(_ field: UInt64, _ text: String) { bytes(field, Array(text.utf8)) }

    mutating func message(_ field: UInt64, _ write: (inout ProtobufWriter) -> Void) {
        var part = ProtobufWriter()
        write(&part)
        bytes(field, part.bytes)
    }

    mutating func attributes(_ field: UInt64, _ attributes: [(name: String, value: TraceSpan.Value)]) {
        for (name, value) in attributes {
            message(field) { pair in
                pair.text(1, name)
                pair.message(2) { any in
                    switch value {
                    case .text(let text): any.text(1, LogText.told(text, under: name).printable(keepsControls: true))
                    case .number(let number): any.integer(3, UInt64(bitPattern: number))
                    }
                }
            }
        }
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
