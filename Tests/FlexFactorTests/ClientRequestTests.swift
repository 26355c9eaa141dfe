import DeclineRecovery
import Foundation
import NIOCore
import Testing

@testable import FlexFactor

/// What goes out to FlexFactor.
@Suite struct ClientRequestTests {
    private let world = ClientWorld()

    @Test func evaluateCarriesTheDeclineAndARepeatIsTheSameToTheByte() async throws {
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"orderSessionKey":"g","status":"APPROVED"}"#) }
        let key = try #require(HMACSigningKey(base64: SignatureTests.keyText))
        let client = try world.client(server, keys: [key])
        for _ in 0..<2 { _ = await world.perform(client, world.evaluate) }
        let requests = server.requests.filter { $0.path == "/v1/evaluate" }
        #expect(requests.count == 2 && requests[0].body == requests[1].body)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(requests[0].body.utf8)) as? [String: Any])
        #expect(json["isMIT"] as? Bool == false && json["isDeclined"] as? Bool == true && json["expiryDateUtc"] == nil)
        #expect(
            json["orderId"] as? String == "A1B2C3D4E5-S0" && json["mid"] as? String == ClientWorld.mid
                && json["customerIp"] as? String == "203.0.113.7")
        let transaction = try #require(json["transaction"] as? [String: Any])
        #expect(
            transaction["amount"] as? Int == 4_999 && transaction["responseCode"] as? String == "202"
                && transaction["avsResultCode"] as? String == "NA")
        let method = try #require(json["paymentMethod"] as? [String: Any])
        #expect(method["cardNumber"] as? String == "tok_approve" && method["token"] as? Bool == true)
        for request in server.requests {
            let refusal = MessageSignature.verify(
                header: request.header, method: "POST", host: request.header("host") ?? "", body: Array(request.body.utf8), keys: [key],
                now: ClientWorld.Clock().now)
            #expect(refusal == nil)
        }
    }

    @Test func aCardIsExchangedForItsToken() async throws {
        let server = try await world.server { _ in
            ScriptedServer.response(200, #"{"transaction":{"succeeded":true,"token":null,"payment_method":{"token":"tok-9"}}}"#)
        }
        let card = ClearCard(number: "4000", verificationValue: nil, firstName: "Ada", lastName: "Byron", month: 3, year: 2030)
        let outcome = await (try world.client(server)).tokenize(
            card, on: world.lane, traceparent: nil, deadline: ClientWorld.Clock().now + .seconds(60))
        #expect(try outcome.get() == CardToken("tok-9"))
        #expect(server.requests.map(\.path) == ["/v1/tokenize?mid=\(ClientWorld.mid)&environment=env-key"])
        #expect(
            server.requests[0].body
                == #"{"payment_method":{"credit_card":{"first_name":"Ada","last_name":"Byron","number":"4000","verification_value":"","month":"03","year":"2030"}}}"#
        )
        let without = await (try world.client(server, environmentKey: nil)).tokenize(
            card, on: world.lane, traceparent: nil, deadline: ClientWorld.Clock().now + .seconds(60))
        guard case .failure(.notSent(.misconfigured)) = without else {
            Issue.record("expected misconfigured")
            return
        }
    }

    @Test func aTraceStateGoesBesideItsTrace() async throws {
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"id":"order-1","statusName":"COMPLETED"}"#) }
        let client = try world.client(server)
        _ = await TraceState.$current.withValue("vendor=a b,t@other=1") { await world.perform(client) }
        #expect(server.requests.last?.header("tracestate") == "vendor=a b,t@other=1")
    }

    /// In the system's words: what a library calls it says nothing to whoever reads it.
    @Test func aPortWhereNobodyListensIsSaidPlainly() async throws {
        let page = try #require(Origin("http://127.0.0.1:1/readyz", allowsPlain: true))
        let (status, text) = await world.lane.page(page, within: .seconds(60))
        #expect(status == nil && text.contains("Connection refused, errno ") && !text.contains("error set"), "\(text)")
    }
}
