import DeclineRecovery
import JSON
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

/// A gateway's client, a lane, and a server that says what each test wants.
struct ClientWorld {
    static let mid = "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11"
    static let token = #"{"accessToken":"jwt-1","expires":4102444800000}"#
    static let lookUp = FlexFactorCall.lookUp("order-1")

    final class Clock: Sendable {
        private let moment = Mutex(Moment(rfc3339: "2026-01-02T03:04:06Z")!)
        var now: Moment { moment.withLock { $0 } }
        func advance(_ span: Moment.Span) { moment.withLock { $0 = $0 + span } }
    }

    let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())

    var evaluate: FlexFactorCall {
        let recovery = Recovery.sample(declinedAt: Clock().now)
        return .evaluate(recovery.charge!, idempotencyKey: UUID5(high: 1, low: 2))
    }

    func client(
        _ server: ScriptedServer, clock: Clock = Clock(), keys: [HMACSigningKey] = [], rate: Double? = nil,
        environmentKey: String? = "env-key"
    ) throws -> FlexFactorClient {
        FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: Self.mid,
                environmentKey: environmentKey.map(Secret.init(_:)),
                signingKeys: keys, origin: try #require(Origin(server.origin)), maxRequestsPerSecond: rate),
            now: { clock.now }, uptime: { clock.now })
    }

    /// Answers the token by itself and everything else as told.
    func server(_ answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Act) async throws -> ScriptedServer {
        try await ScriptedServer.start { request in
            request.path == "/v1/oauth2/token" ? ScriptedServer.response(200, Self.token) : answer(request)
        }
    }

    func perform(_ client: FlexFactorClient, _ call: FlexFactorCall = lookUp, clock: Clock = Clock()) async -> FlexFactorAnswer {
        await client.perform(
            call, on: lane, traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", deadline: clock.now + .seconds(60))
    }

    func answer(_ status: Int, _ body: String, headers: String = "", type: String = "application/json", to call: FlexFactorCall)
        async throws -> FlexFactorAnswer
    {
        let server = try await server { _ in ScriptedServer.response(status, body, type: type, headers: headers) }
        return await perform(try client(server), call)
    }

    /// The same for a list of orders, each of which has a page that says the same.
    ///
    /// - Parameter pages: of orders whose page says something else.
    func find(
        _ reference: RecoveryReference, in list: String, pages: [String: String] = [:]
    ) async throws -> FlexFactorAnswer {
        let bytes = Array(list.utf8)
        let listed = try JSONValue(parsing: bytes.span)
        let server = try await server { request in
            ScriptedServer.response(200, Self.page(request, of: listed, pages) ?? list)
        }
        return await perform(try client(server), .find(reference))
    }

    /// What an order's own page says; `nil` for what asks for no order.
    static func page(_ request: ScriptedServer.Request, of list: JSONValue, _ pages: [String: String] = [:]) -> String? {
        let start = "/v1/orders/"
        guard request.path.hasPrefix(start) else { return nil }
        let id = String(request.path.dropFirst(start.count))
        let items = list["orders"]?["data"]?.array ?? list["orders"]?.array ?? []
        let item = items.first { $0["id"]?.string == id }
        return pages[id] ?? item.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "{}"
    }
}
