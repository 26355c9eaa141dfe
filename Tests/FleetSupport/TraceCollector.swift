import Foundation
import Synchronization

/// A collector of traces: takes what is posted to it and reads it as protobuf, by the numbers that OpenTelemetry's .proto files give.
package final class TraceCollector: Sendable {
    package struct Span: Sendable {
        package var trace = ""
        package var id = ""
        package var parent = ""
        package var name = ""
        package var kind: UInt64 = 0
        package var begin: UInt64 = 0
        package var end: UInt64 = 0
        package var attributes: [String: String] = [:]
        package var links: [String] = []
        package var fault: String?
    }

    private struct State {
        var spans: [Span] = []
        var resource: [String: String] = [:]
        var raw: [UInt8] = []
        var requests: [String] = []
    }

    private let state = Mutex(State())
    private let socket: Int32
    package let port: Int

    package init() throws {
        port = try TestMachine.freePort()
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard TestMachine.isBound(socket, to: port), listen(socket, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in serve() }
    }

    package var spans: [Span] { state.withLock { $0.spans } }
    package var resource: [String: String] { state.withLock { $0.resource } }
    /// Everything that came, as text, for searches.
    package var text: String { state.withLock { String(decoding: $0.raw, as: UTF8.self) } }
    /// The first line of each request, and its content type.
    package var requests: [String] { state.withLock { $0.requests } }

    package func end() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve() {
        while true {
            let connection = accept(socket, nil, nil)
            if connection < 0 { break }
            Thread.detachNewThread { [self] in
                defer { close(connection) }
                while let (head, body) = Self.request(connection) {
                    take(head, body)
                    let answer = Array("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".utf8)
                    _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
                }
            }
        }
        close(socket)
    }

    private static func request(_ connection: Int32) -> (head: String, body: [UInt8])? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = Data(bytes).range(of: Data("\r\n\r\n".utf8)) {
                let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
                let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces)) }
                if let length, bytes.count >= end.upperBound + length { return (head, Array(bytes[end.upperBound...].prefix(length))) }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            bytes += chunk[..<count]
        }
    }

    private func take(_ head: String, _ body: [UInt8]) {
        let lines = head.split(separator: "\r\n")
        let type = lines.first { $0.lowercased().hasPrefix("content-type:") } ?? ""
        state.withLock { state in
            state.requests.append("\(lines.first ?? "") \(type)")
            state.raw += body
            for case (1, .bytes(let resourceSpans)) in ProtobufReader(body).fields {
                for case (let field, .bytes(let part)) in ProtobufReader(resourceSpans).fields {
                    if field == 1 { state.resource = Self.attributes(1, in: part) }
                    if field == 2 { for case (2, .bytes(let span)) in ProtobufReader(part).fields { state.spans.append(Self.span(span)) } }
                }
            }
        }
    }

    private static func span(_ bytes: [UInt8]) -> Span {
        var span = Span()
        span.attributes = attributes(9, in: bytes)
        for (field, value) in ProtobufReader(bytes).fields {
            switch (field, value) {
            case (1, .bytes(let id)): span.trace = hex(id)
            case (2, .bytes(let id)): span.id = hex(id)
            case (4, .bytes(let id)): span.parent = hex(id)
            case (5, .bytes(let text)): span.name = String(decoding: text, as: UTF8.self)
            case (6, .number(let kind)): span.kind = kind
            case (7, .number(let time)): span.begin = time
            case (8, .number(let time)): span.end = time
            case (13, .bytes(let link)): for case (1, .bytes(let id)) in ProtobufReader(link).fields { span.links.append(hex(id)) }
            case (15, .bytes(let status)):
                for case (2, .bytes(let text)) in ProtobufReader(status).fields { span.fault = String(decoding: text, as: UTF8.self) }
            default: break
            }
        }
        return span
    }

    private static func attributes(_ field: UInt64, in bytes: [UInt8]) -> [String: String] {
        var attributes: [String: String] = [:]
        for case (field, .bytes(let pair)) in ProtobufReader(bytes).fields {
            var name = ""
            var text = ""
            for (field, value) in ProtobufReader(pair).fields {
                if field == 1, case .bytes(let bytes) = value { name = String(decoding: bytes, as: UTF8.self) }
                if field == 2, case .bytes(let any) = value {
                    for case (let kind, let value) in ProtobufReader(any).fields {
                        switch (kind, value) {
                        case (1, .bytes(let bytes)): text = String(decoding: bytes, as: UTF8.self)
                        case (3, .number(let number)): text = String(Int64(bitPattern: number))
                        default: break
                        }
                    }
                }
            }
            attributes[name] = text
        }
        return attributes
    }

    private static func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
}

/// Reads protobuf's wire format.
private struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case bytes([UInt8])
    }

    private(set) var fields: [(UInt64, Value)] = []

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest) else { return }
            switch tag & 7 {
            case 0:
                guard let number = Self.varint(&rest) else { return }
                fields.append((tag >> 3, .number(number)))
            case 1:
                guard rest.count >= 8 else { return }
                fields.append((tag >> 3, .number(rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })))
                rest = rest.dropFirst(8)
            case 2:
                guard let count = Self.varint(&rest), rest.count >= Int(count) else { return }
                fields.append((tag >> 3, .bytes(Array(rest.prefix(Int(count))))))
                rest = rest.dropFirst(Int(count))
            default: return
            }
        }
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            number |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return number }
        }
        return nil
    }
}
