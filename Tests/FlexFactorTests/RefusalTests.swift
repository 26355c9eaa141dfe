import DeclineRecovery
import TestSupport
import Testing

@testable import FlexFactor

/// What a 400, a 422 or their like is worth that says otherwise in its body: nothing is told as refused that may have been done.
@Suite struct RefusalTests {
    private let world = ClientWorld()
    private let reference = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)
    private let capture = FlexFactorCall.capture("g-1", Money(minorUnits: 4_999, currency: .usd), idempotencyKey: UUID5(high: 1, low: 2))
    private let refund = FlexFactorCall.refund("g-1", Money(minorUnits: 500, currency: .usd))

    private func isUnknown(_ status: Int, _ body: String, to call: FlexFactorCall) async throws -> Bool {
        if case .failed(.unknown) = try await world.answer(status, body, to: call) { true } else { false }
    }

    private func isRefused(_ status: Int, _ body: String, to call: FlexFactorCall) async throws -> Bool {
        if case .failed(.refused) = try await world.answer(status, body, to: call) { true } else { false }
    }

    /// The first is `evaluate`'s own answer.
    @Test(arguments: [
        #"{"orderSessionKey":"g-1","orderId":"g-1","success":true,"status":"APPROVED","result":"Success","errors":[]}"#,
        #"{"success":true,"errors":[]}"#, #"{"success":"true","errors":[],"traceId":"00-1"}"#,
        #"{"success":false,"errors":[],"orderSessionKey":"g-1"}"#, #"{"success":false,"errors":[],"status":"SUBMITTED"}"#,
        #"{"success":false,"errors":[],"status":" declined "}"#, #"{"success":false,"errors":[],"result":"Success"}"#,
        #"{"TraceId":["00-1"],"OrderId":["The order exists."],"data":{"OrderSessionKey":"g-1"}}"#,
        #"{"errors":{"Transaction.Id":["Used before."]},"orders":[{"orderId":"0a1b2c3d-0000-4000-8000-00000000abcd"}]}"#,
    ])
    func whatNamesAnOrderOrASuccessIsNoRefusalOfACharge(body: String) async throws {
        for status in [400, 422, 429, 401] { #expect(try await isUnknown(status, body, to: world.evaluate), "\(status)") }
    }

    @Test(arguments: [
        #"{"success":false,"errors":[],"status":"FAILED","orderSessionKey":null}"#, #"{"success":null,"errors":[],"traceId":"00-1"}"#,
        #"{"success":false,"errors":[],"orderSessionKey":"00000000-0000-0000-0000-000000000000","orderId":""}"#,
        #"{"status":400,"title":"Bad Request","traceId":"00-1","orderId":"A-1-S0","errors":{"OrderId":["The order is too old."]}}"#,
        #"{"Status":["The Status field is required."],"OrderSessionKey":["The OrderSessionKey field is required."]}"#,
    ])
    func whatSaysNoMoreIsOne(body: String) async throws {
        for status in [400, 422] { #expect(try await isRefused(status, body, to: world.evaluate), "\(status)") }
    }

    /// A capture may have taken the money, and a refund given it back: the order says so.
    @Test func aCaptureOrARefundThatMayBeDoneIsNotRefused() async throws {
        for body in [
            #"{"success":true,"errors":[]}"#, #"{"success":false,"errors":[],"status":"SUCCESS"}"#,
            #"{"traceId":"00-1","status":"APPROVED"}"#,
        ] {
            for call in [capture, refund] { #expect(try await isUnknown(400, body, to: call), "\(body)") }
        }
        #expect(try await isUnknown(400, #"{"traceId":"00-1","captureStatus":"Captured"}"#, to: capture))
        // It is of an order, and may name it and say how it stands.
        let refusal = #"{"success":false,"errors":[],"status":"FAILED","orderSessionKey":"g-1"}"#
        for call in [capture, refund] { #expect(try await isRefused(400, refusal, to: call)) }
        #expect(try await isRefused(422, #"{"success":false,"errors":[],"status":"DECLINED"}"#, to: refund))
    }

    /// Said twice, a denial is told as a charge that never arrived.
    @Test func aDenialThatCallsItselfASuccessDeniesNothing() async throws {
        let body = #"{"success":true,"errors":[],"message":"Order not found"}"#
        for status in [400, 404, 422] { #expect(try await isUnknown(status, body, to: .cancelByReference(reference)), "\(status)") }
        #expect(try await isUnknown(404, body, to: .lookUp("g-1")))
        #expect(try await isUnknown(400, body, to: .cancel("g-1")))
        let no = body.replacing("true", with: "false")
        #expect(try await world.answer(404, no, to: .cancelByReference(reference)) == .noSuchOrder)
        #expect(try await world.answer(404, no, to: .lookUp("g-1")) == .noSuchOrder)
    }
}
