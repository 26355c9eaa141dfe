import DeclineRecovery
import TestSupport
import Testing

@testable import FlexFactor

/// What FlexFactor says in other types and letters than those that are documented.
@Suite struct OddTypesTests {
    private let world = ClientWorld()
    private let reference = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)
    private let capture = FlexFactorCall.capture("g-1", Money(minorUnits: 4_999, currency: .usd), idempotencyKey: UUID5(high: 1, low: 2))
    private let refund = FlexFactorCall.refund("g-1", Money(minorUnits: 500, currency: .usd))

    private func isUnknown(_ body: String, to call: FlexFactorCall) async throws -> Bool {
        if case .failed(.unknown(.unreadable)) = try await world.answer(200, body, to: call) { true } else { false }
    }

    /// Else a charge is told as approved, a refund as done, an order as cancelled, that FlexFactor says is not.
    @Test(arguments: ["false", #""false""#, #""False""#, #"" FALSE ""#, "0", #""0""#])
    func aNoIsOneHoweverItIsWritten(no: String) async throws {
        let approved = #"{"orderSessionKey":"g-1","status":"APPROVED","success":\#(no)}"#
        #expect(try await world.answer(200, approved, to: world.evaluate) == .evaluated(.unrecognised("APPROVED, success false"), "g-1"))
        #expect(try await isUnknown(#"{"status":"SUCCESS","success":\#(no)}"#, to: capture))
        #expect(try await isUnknown(#"{"status":"SUCCESS","success":\#(no)}"#, to: refund))
        let failed = #"{"success":\#(no),"responseCode":2001,"responseMessage":"too much"}"#
        #expect(try await world.answer(200, failed, to: refund) == .refundFailed(code: "2001", "too much"))
        #expect(try await isUnknown(#"{"success":\#(no)}"#, to: .cancelByReference(reference)))
        #expect(try await world.answer(200, #"{"success":\#(no),"message":"already captured"}"#, to: .cancel("g-1")) == .cancelRefused)
    }

    @Test(arguments: ["true", #""true""#, #""True""#, "1", #""1""#])
    func aYesIsOneHoweverItIsWritten(yes: String) async throws {
        let approved = #"{"orderSessionKey":"g-1","status":"APPROVED","success":\#(yes)}"#
        #expect(try await world.answer(200, approved, to: world.evaluate) == .evaluated(.approved, "g-1"))
        #expect(try await world.answer(200, #"{"success":\#(yes)}"#, to: refund) == .refunded)
        #expect(try await isUnknown(#"{"status":"FAILED","success":\#(yes)}"#, to: refund))
        #expect(try await isUnknown(#"{"status":"FAILED","success":\#(yes)}"#, to: capture))
        #expect(try await world.answer(200, #"{"success":\#(yes)}"#, to: .cancelByReference(reference)) == .cancelAccepted)
    }

    /// The rest of a list is money that went back and is told by nobody else.
    @Test(arguments: [("true", 2), (#""true""#, 2), (#""True""#, 2), ("1", 2), ("false", 1), (#""false""#, 1), ("null", 1)])
    func aListGoesOnHoweverItSaysSo(says: String, pages: Int) async throws {
        let server = try await world.server { request in
            let number = request.path.hasSuffix("pageNumber=1") ? 1 : 2
            let more = number == 1 ? says : "false"
            return ScriptedServer.response(200, #"{"orders":{"data":[{"id":"g-\#(number)","status":6}],"hasNextPage":\#(more)}}"#)
        }
        let back = try await world.client(server).moneyBack(since: ClientWorld.Clock().now, on: world.lane, within: .seconds(60)).get()
        #expect(back.orders.count == pages)
    }

    @Test(arguments: [
        (" APPROVED ", EvaluationStatus.approved), ("Capture Required", .captureRequired), ("capture_required", .captureRequired),
        ("NOT APPROVED", .unrecognised("NOT APPROVED")), ("", .unrecognised("")),
    ])
    func aStatusIsReadWithoutWhatStandsAroundIt(word: String, status: EvaluationStatus) async throws {
        let body = #"{"orderSessionKey":"g-1","status":"\#(word)"}"#
        #expect(try await world.answer(200, body, to: world.evaluate) == .evaluated(status, "g-1"))
    }

    @Test func aCaptureAndARefundAreReadWithoutWhatStandsAroundThem() async throws {
        #expect(try await world.answer(200, #"{"status":" Success "}"#, to: capture) == .captured)
        #expect(try await world.answer(200, #"{"status":"","captureStatus":"SUCCESS"}"#, to: capture) == .captured)
        #expect(try await world.answer(200, #"{"status":"FAILED ","responseCode":""}"#, to: capture) == .captureFailed(code: nil))
        #expect(try await world.answer(200, #"{"status":" ","success":true}"#, to: refund) == .refunded)
        #expect(try await isUnknown(#"{"status":"FAILED ","success":true}"#, to: refund))
    }

    /// It would be told as declined or expired a while later, where the list does not show it.
    @Test(arguments: [#""status":"COMPLETED""#, #""status":"APPROVED""#, #""id":"g-1","status":7"#, #""status":6,"statusName":"Returned""#])
    func whatShowsThatMoneyWasTakenIsNoCancel(members: String) async throws {
        for call in [FlexFactorCall.cancel("g-1"), .cancelByReference(reference)] {
            #expect(try await isUnknown("{\(members)}", to: call))
            #expect(try await isUnknown(#"{"success":true,\#(members)}"#, to: call))
        }
    }

    @Test(arguments: [
        #"{"status":"CANCELLED"}"#, #"{"status":"SUCCESS"}"#, #"{"status":200}"#, #"{"status":2}"#, #"{"status":null,"errors":[]}"#,
    ])
    func whatDoesNotSayNoIsACancel(body: String) async throws {
        #expect(try await world.answer(200, body, to: .cancelByReference(reference)) == .cancelAccepted)
    }

    /// The page of an order says its id as .NET writes it, and so may `evaluate` and the name of the account.
    @Test func anIdIsReadInEachFormOfAGUID() async throws {
        let id = FlexFactorOrderID("0a1b2c3d-0000-4000-8000-00000000abcd")
        for written in ["{\(id)}", " \(id) ", "(\(id))"] {
            #expect(
                try await world.answer(200, #"{"id":"\#(written)","status":7}"#, to: .lookUp(id))
                    == .found(FlexFactorOrder(id: id, state: .completed)))
            #expect(
                try await world.answer(200, #"{"orderSessionKey":"\#(written)","status":"SUBMITTED"}"#, to: world.evaluate)
                    == .evaluated(.submitted, id))
        }
        let undashed = FlexFactorOrderID("0a1b2c3d00004000800000000000abcd")
        #expect(
            try await world.answer(200, #"{"id":"\#(undashed)","status":7}"#, to: .lookUp(id))
                == .found(FlexFactorOrder(id: undashed, state: .completed)))
        let other = "{00000000-6b1a-4c5f-9a55-0d6a1c7b2e11}"
        #expect(
            try await world.answer(200, #"{"id":"\#(id)","status":7,"mid":"\#(other)"}"#, to: .lookUp(id))
                == .failed(.unknown(.otherAccount)))
        #expect(
            try await world.answer(200, #"{"id":"\#(id)","status":7,"mid":"{\#(ClientWorld.mid)}"}"#, to: .lookUp(id))
                == .found(FlexFactorOrder(id: id, state: .completed, account: "{\(ClientWorld.mid)}")))
    }

    @Test func anOrdersCurrencyMayBeInSmallLetters() async throws {
        let order = try await world.answer(200, #"{"id":"g-1","status":7,"currencyCode":"eur"}"#, to: .lookUp("g-1"))
        #expect(order == .found(FlexFactorOrder(id: "g-1", state: .completed, currency: Currency("EUR"))))
    }
}
