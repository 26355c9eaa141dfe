import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import FlexFactor

/// What of a request goes out, byte by byte.
@Suite struct RequestBytesTests {
    private static let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

    private func send(_ requests: [HTTPRequest]) async throws -> [ScriptedServer.Request] {
        let server = try await ScriptedServer.start { _ in .answer(Self.whole) }
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let origin = try #require(Origin(server.origin))
        for request in requests { _ = await lane.execute(request, to: origin, authorities: nil, deadline: .now() + .seconds(30)) }
        let host = origin.authority
        #expect(server.requests.allSatisfy { $0.header("host") == host })
        return server.requests
    }

    @Test func aRequestGoesOutAsItIs() async throws {
        let sent = try await send([
            HTTPRequest(
                method: .post, path: "/v1/evaluate", headers: [("accept", "application/json"), ("x-a", "b")], body: Array("{}".utf8))
        ])
        let request = try #require(sent.first)
        let host = try #require(request.header("host"))
        #expect(
            request.head == "POST /v1/evaluate HTTP/1.1\r\nhost: \(host)\r\naccept: application/json\r\nx-a: b\r\ncontent-length: 2")
        #expect(request.body == "{}")
    }

    @Test func aRequestForAPageSaysNothingOfABody() async throws {
        let sent = try await send([HTTPRequest(method: .get, path: "/v1/orders?query=a", headers: [], body: [])])
        let request = try #require(sent.first)
        #expect(request.head.hasPrefix("GET /v1/orders?query=a HTTP/1.1\r\n") && request.header("content-length") == nil)
    }

    /// They are written in the same memory.
    @Test func noRequestHoldsWhatIsLeftOfAnother() async throws {
        let sizes = [9_000, 1, 100_000, 0, 500]
        let sent = try await send(
            sizes.map { HTTPRequest(method: .post, path: "/v1/\($0)", headers: [], body: Array(repeating: 0x61, count: $0)) })
        #expect(sent.map(\.path) == sizes.map { "/v1/\($0)" })
        #expect(sent.map(\.body.utf8.count) == sizes)
        #expect(sent.allSatisfy { $0.body.allSatisfy { $0 == "a" } })
    }

    @Test func aValueEndsNoLine() async throws {
        let sent = try await send([
            HTTPRequest(method: .post, path: "/", headers: [("authorization", "a\r\nx-forged: 1\n\nPOST / HTTP/1.1")], body: [])
        ])
        #expect(sent.count == 1 && sent.first?.header("x-forged") == nil)
        #expect(sent.first?.header("authorization") == "a  x-forged: 1  POST / HTTP/1.1")
    }
}
