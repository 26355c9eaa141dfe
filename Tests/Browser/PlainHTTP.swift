import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A request to a port of this machine over a connection of its own, and its answer.
///
/// Not URLSession: Linux's refuses chromedriver's headers, which have no space behind the colon.
enum PlainHTTP {
    struct Failure: Error, CustomStringConvertible {
        let what: String
        let code: Int32

        var description: String { "\(what): \(String(cString: strerror(code)))" }
    }

    static func ask(_ method: String, port: Int, _ path: String, _ body: [UInt8]?) async throws -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        if let body { head += "Content-Type: application/json; charset=utf-8\r\nContent-Length: \(body.count)\r\n" }
        let request = Array((head + "\r\n").utf8) + (body ?? [])
        // The calls below wait in the kernel; a thread of the pool that tests run on must not.
        return try await withCheckedThrowingContinuation { done in
            DispatchQueue.global().async { done.resume(with: Result { try exchange(request, port) }) }
        }
    }

    private static func exchange(_ request: [UInt8], _ port: Int) throws -> [UInt8] {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Failure(what: "connect", code: errno) }
        var rest = request[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw Failure(what: "send", code: errno) }
            rest = rest.dropFirst(sent)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let body = whole(answer) { return body }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw Failure(what: "receive", code: count == 0 ? ECONNRESET : errno) }
            answer += buffer[..<count]
        }
    }

    /// The body, once all of it is there.
    private static func whole(_ answer: [UInt8]) -> [UInt8]? {
        let mark = Array("\r\n\r\n".utf8)
        guard let end = answer.prefix(1 << 14).indices.first(where: { answer[$0...].starts(with: mark) }) else { return nil }
        let lines = String(decoding: answer[..<end], as: UTF8.self).lowercased().split(separator: "\r\n")
        let length =
            lines.first { $0.hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        let body = answer[(end + mark.count)...]
        return body.count >= length ? Array(body) : nil
    }
}
