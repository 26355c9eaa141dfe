import DeclineRecovery
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import FlexFactor

/// An answer that names an order of another recovery is none.
@Suite struct AnsweredOrdersTests {
    private static let now = Moment(rfc3339: "2026-01-02T03:04:06Z")!
    private let one = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)
    private let other = RecoveryReference(orderID: "A-2", kind: .sale, sequence: 0)

    @Test(arguments: [
        ("g-1", "G-1"), ("0a1b2c3d-0000-4000-8000-00000000abcd", "0A1B2C3D-0000-4000-8000-00000000ABCD"),
        ("0a1b2c3d-0000-4000-8000-00000000abcd", "0A1B2C3D00004000800000000000ABCD"),
    ])
    func anOrderIsOneReferences(id: String, inCapitals: String) {
        let answered = AnsweredOrders()
        for _ in 0..<3 { #expect(answered.take(FlexFactorOrderID(id), for: one)) }
        #expect(!answered.take(FlexFactorOrderID(inCapitals), for: other))
        #expect(answered.take(FlexFactorOrderID(inCapitals), for: one))
        #expect(answered.take("g-2", for: other))
        #expect(answered.isAnothers(FlexFactorOrderID(inCapitals), than: other) && !answered.isAnothers("g-2", than: other))
        // To ask takes nothing.
        #expect(!answered.isAnothers("g-3", than: one) && !answered.isAnothers("g-3", than: other))
    }

    @Test func theEmptyIDNamesNoOrder() {
        let answered = AnsweredOrders()
        for reference in [one, other] { #expect(answered.take("00000000-0000-0000-0000-000000000000", for: reference)) }
    }

    @Test func theLastOnesAreRemembered() {
        let answered = AnsweredOrders(most: 10)
        for number in 0..<25 { #expect(answered.take(FlexFactorOrderID("g-\(number)"), for: one)) }
        for number in 15..<25 { #expect(!answered.take(FlexFactorOrderID("g-\(number)"), for: other)) }
        #expect(answered.take("g-0", for: other))
    }

    private func evaluate(_ order: String) -> FlexFactorCall {
        .evaluate(Recovery.sample(order: order, declinedAt: Self.now).charge!, idempotencyKey: UUID5(high: 1, low: 2))
    }

    /// The list shows one order under two references: one by one, and it pays for the first alone; or at once, and it pays for neither.
    @Test(arguments: [false, true]) func anOrderThatTheListShowsUnderTwoReferencesPaysForOneAtMost(isAtOnce: Bool) async throws {
        let references = [one, other]
        let server = try await ScriptedServer.start { request in
            if request.path == "/v1/oauth2/token" {
                return ScriptedServer.response(200, #"{"accessToken":"jwt-1","expires":4102444800000}"#)
            }
            let shown = references.filter { isAtOnce || request.path.contains($0.text) }
            // Its own page says nothing of whose it is.
            if request.path == "/v1/orders/g-1" { return ScriptedServer.response(200, #"{"id":"g-1","statusName":"Completed"}"#) }
            let rows = shown.map { #"{"id":"g-1","externalOrderId":"\#($0.text)","status":7,"statusName":"Completed"}"# }
            let list = rows.joined(separator: ",")
            return ScriptedServer.response(200, #"{"orders":{"data":[\#(list)],"hasNextPage":false}}"#)
        }
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: ClientWorld.mid,
                origin: try #require(Origin(server.origin))),
            now: { Self.now }, uptime: { Self.now })
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        func found(_ reference: RecoveryReference) async -> FlexFactorAnswer {
            await client.perform(.find(reference), on: lane, traceparent: nil, deadline: Self.now + .seconds(60))
        }
        for _ in 0..<2 {
            let answer = await found(one)
            if case .found(let order) = answer {
                #expect(!isAtOnce && order.id == "g-1" && order.state == .completed)
            } else {
                #expect(isAtOnce && answer == .notListed, "\(answer)")
            }
        }
        #expect(await found(other) == .notListed)
    }

    @Test func anAnswerThatNamesTheOrderOfAnotherRecoveryLeavesItUnknown() async throws {
        let server = try await ScriptedServer.start { request in
            ScriptedServer.response(
                200,
                request.path == "/v1/oauth2/token"
                    ? #"{"accessToken":"jwt-1","expires":4102444800000}"# : #"{"orderSessionKey":"g-1","status":"APPROVED"}"#)
        }
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: ClientWorld.mid,
                origin: try #require(Origin(server.origin))),
            now: { Self.now }, uptime: { Self.now })
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        func answer(_ order: String) async -> FlexFactorAnswer {
            await client.perform(evaluate(order), on: lane, traceparent: nil, deadline: Self.now + .seconds(60))
        }
        #expect(await answer("A") == .evaluated(.approved, "g-1"))
        #expect(server.connections == 1)
        #expect(await answer("B") == .failed(.unknown(.otherRecovery)))
        // A repeat has the same answer, and a connection that nothing stands on.
        #expect(await answer("A") == .evaluated(.approved, "g-1"))
        #expect(server.connections == 2)
        // An approval of something else is neither a capture nor a cancel.
        let amount = Money(minorUnits: 4_999, currency: .usd)
        for call in [.capture("g-2", amount, idempotencyKey: UUID5(high: 1, low: 2)), .cancel("g-2"), .cancelByReference(other)]
            as [FlexFactorCall]
        {
            let answer = await client.perform(call, on: lane, traceparent: nil, deadline: Self.now + .seconds(60))
            #expect(answer == .failed(.unknown(.otherRecovery)))
        }
    }
}
