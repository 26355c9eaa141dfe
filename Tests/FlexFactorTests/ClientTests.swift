import DeclineRecovery
import Foundation
import JSON
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

/// The client's answers, call by call, against a server that says what each test wants.
@Suite struct ClientTests {
    static let mid = "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11"
    private static let token = #"{"accessToken":"jwt-1","expires":4102444800000}"#
    private static let lookUp = FlexFactorCall.lookUp("order-1")

    final class Clock: Sendable {
        private let moment = Mutex(Moment(rfc3339: "2026-01-02T03:04:06Z")!)
        var now: Moment { moment.withLock { $0 } }
        func advance(_ span: Moment.Span) { moment.withLock { $0 = $0 + span } }
    }

    private func client(
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

    private let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())

    private func perform(_ client: FlexFactorClient, _ call: FlexFactorCall = lookUp, clock: Clock = Clock()) async -> FlexFactorAnswer {
        await client.perform(
            call, on: lane, traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", deadline: clock.now + .seconds(60))
    }

    /// Answers the token by itself and everything else as told.
    private func server(_ answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Act) async throws -> ScriptedServer {
        try await ScriptedServer.start { request in
            request.path == "/v1/oauth2/token" ? ScriptedServer.response(200, Self.token) : answer(request)
        }
    }

    private func answer(_ status: Int, _ body: String, headers: String = "", type: String = "application/json", to call: FlexFactorCall)
        async throws -> FlexFactorAnswer
    {
        let server = try await server { _ in ScriptedServer.response(status, body, type: type, headers: headers) }
        return await perform(try client(server), call)
    }

    private var evaluate: FlexFactorCall {
        let recovery = Recovery.sample(declinedAt: Clock().now)
        return .evaluate(recovery.charge!, idempotencyKey: UUID5(high: 1, low: 2))
    }

    /// Whoever waits for his turn is not told that FlexFactor is slow.
    @Test func waitingForOurOwnRateIsNoneOfFlexFactorsTime() async throws {
        let server = try await server { _ in ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
        let clock = Clock()
        let measured = Mutex<Int64>(0)
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: Self.mid, origin: try #require(Origin(server.origin)),
                maxRequestsPerSecond: 4),
            now: { clock.now }, observe: { call in measured.withLock { $0 += call.nanoseconds } }, uptime: { clock.now })
        let start = ContinuousClock.now
        // Five that the rate lets through at once, and one that waits for a quarter of a second.
        for _ in 0..<6 { #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed))) }
        #expect(ContinuousClock.now - start - .nanoseconds(measured.withLock { $0 }) >= .milliseconds(200))
    }

    /// Each page of a list is a request that FlexFactor counts.
    @Test func everyPageWaitsForItsTurn() async throws {
        let clock = Clock()
        let server = try await server { _ in
            ScriptedServer.response(200, #"{"orders":{"data":[{"id":"g-0","status":7}],"hasNextPage":true}}"#)
        }
        // The next turn after those that come at once is a hundred seconds away.
        let answer = await perform(try client(server, clock: clock, rate: 0.01), .find(reference), clock: clock)
        #expect(answer == .notListed)
        #expect(server.requests.count { $0.path.hasPrefix("/v1/orders") } < 6)
    }

    /// Whatever a charge waited for, for the token as for any other thing: what may not be written any more is not.
    @Test func whatMayNotBeWrittenAnyMoreIsNotSent() async throws {
        let clock = Clock()
        let server = try await server { _ in ScriptedServer.response(200, #"{"status":"APPROVED","orderId":"g-1"}"#) }
        let client = try client(server, clock: clock)
        for _ in 0..<2 {
            let answer = await client.perform(
                evaluate, on: lane, traceparent: nil, deadline: clock.now + .seconds(60),
                writtenBy: ContinuousClock.now.advanced(by: .milliseconds(-1)))
            #expect(answer == .failed(.notSent(.deadline)))
        }
        #expect(server.requests.map(\.path) == ["/v1/oauth2/token"])
    }

    /// A turn that comes too late is not taken: others wait for theirs.
    @Test func aTurnBehindTheTimeToWriteIsNotWaitedFor() async throws {
        let clock = Clock()
        let server = try await server { _ in ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
        // After the first, the next turn is a hundred seconds away.
        let client = try client(server, clock: clock, rate: 0.01)
        _ = await perform(client, clock: clock)
        let begun = ContinuousClock.now
        let answer = await client.perform(
            evaluate, on: lane, traceparent: nil, deadline: clock.now + .seconds(3_600), writtenBy: begun.advanced(by: .seconds(60)))
        // The time to write was not over: it was the rate.
        #expect(answer == .failed(.notSent(.rateLimited)))
        #expect(ContinuousClock.now - begun < .seconds(59))
    }

    // MARK: Token

    @Test func oneTokenRequestServesAllWhoWait() async throws {
        let server = try await server { _ in ScriptedServer.response(200, #"{"id":"order-1","statusName":"COMPLETED"}"#) }
        let client = try client(server)
        let answers = await withTaskGroup(of: FlexFactorAnswer.self) { group in
            for _ in 0..<100 { group.addTask { await perform(client) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0 == .found(FlexFactorOrder(id: "order-1", state: .completed)) })
        #expect(server.requests.filter { $0.path == "/v1/oauth2/token" }.count == 1)
        let request = try #require(server.requests.last)
        #expect(request.header("authorization") == "Bearer jwt-1")
        #expect(request.header("traceparent")?.contains("4bf92f3577b34da6a3ce929d0e0e4736") == true)
        #expect(request.header("tracestate") == nil)
        #expect(server.requests.first?.body == #"{"AppKey":"app-key","AppSecret":"app-secret"}"#)
    }

    /// However many calls a missing token fails: otherwise one blip under load would shut the gateway, on every renewal.
    @Test func aTokenThatFailsIsOneFailureHoweverManyWaitForIt() async throws {
        let clock = Clock()
        let server = try await ScriptedServer.start { _ in ScriptedServer.response(503) }
        let client = try client(server, clock: clock)
        for time in 1...4 {
            #expect(client.circuit.state == .closed)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        guard case .failed(.notSent(.noTokenYet)) = await perform(client, clock: clock) else {
                            Issue.record("expected no token")
                            return
                        }
                    }
                }
            }
            #expect(server.requests.count == time)
            clock.advance(.seconds(2))
        }
        #expect(client.circuit.state == .open && client.circuit.failures == ["not_sent": 4])
        guard case .failed(.notSent(.circuitOpen)) = await perform(client, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
    }

    /// While a token serves, that it cannot be renewed is nobody's trouble, and is not asked about with every call.
    @Test func aRenewalThatFailsShutsNothing() async throws {
        let clock = Clock()
        let asked = Mutex(0)
        let server = try await ScriptedServer.start { request in
            guard request.path == "/v1/oauth2/token" else { return ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
            let isFirst = asked.withLock { asked in
                asked += 1
                return asked == 1
            }
            return isFirst ? ScriptedServer.response(200, #"{"accessToken":"jwt-1","expires":600}"#) : ScriptedServer.response(503)
        }
        let client = try client(server, clock: clock)
        _ = await perform(client, clock: clock)
        clock.advance(.seconds(550))
        for _ in 0..<10 { #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed))) }
        try await eventually("the renewal was tried") { asked.withLock { $0 } == 2 }
        for _ in 0..<10 { _ = await perform(client, clock: clock) }
        #expect(asked.withLock { $0 } == 2 && client.circuit.failures.isEmpty)
    }

    /// The customer waits for the call, whatever it is that does not answer.
    @Test(.timeLimit(.minutes(1))) func aCallWaitsForATokenNoLongerThanItsOwnTime() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        let client = try client(server)
        let answer = await client.perform(Self.lookUp, on: lane, traceparent: nil, deadline: Clock().now + .milliseconds(200))
        #expect(answer == .failed(.notSent(.deadline)))
        #expect(client.circuit.state == .closed)
    }

    @Test func aTraceStateGoesBesideItsTrace() async throws {
        let server = try await server { _ in ScriptedServer.response(200, #"{"id":"order-1","statusName":"COMPLETED"}"#) }
        let client = try client(server)
        _ = await TraceState.$current.withValue("vendor=a b,t@other=1") { await perform(client) }
        #expect(server.requests.last?.header("tracestate") == "vendor=a b,t@other=1")
    }

    @Test func aTokenIsRenewedBeforeItEndsWhileItStillServes() async throws {
        let clock = Clock()
        let expires = (clock.now + .seconds(600)).milliseconds
        let server = try await ScriptedServer.start { request in
            request.path == "/v1/oauth2/token"
                ? ScriptedServer.response(200, #"{"accessToken":"jwt","expires":\#(expires)}"#)
                : ScriptedServer.response(200, #"{"id":"order-1","status":4}"#)
        }
        let client = try client(server, clock: clock)
        _ = await perform(client, clock: clock)
        clock.advance(.seconds(550))
        #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .processing)))
        try await eventually("the token is fetched anew") { server.requests.filter { $0.path == "/v1/oauth2/token" }.count == 2 }
    }

    @Test func aTokenThatEndedEarlyIsReplacedOnceAndTheCallRepeated() async throws {
        let seen = Mutex(0)
        let server = try await server { _ in
            seen.withLock { seen in
                seen += 1
                return seen == 1 ? ScriptedServer.response(401) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
            }
        }
        #expect(await perform(try client(server)) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        #expect(server.requests.map(\.path) == ["/v1/oauth2/token", "/v1/orders/order-1", "/v1/oauth2/token", "/v1/orders/order-1"])
    }

    @Test func aFreshTokenThatIsRefusedIsAFaultOfTheKeys() async throws {
        let server = try await server { _ in ScriptedServer.response(401) }
        let client = try client(server)
        #expect(client.refusal == nil)
        guard case .failed(.notSent(.noToken(let why))) = await perform(client) else {
            Issue.record("expected no token")
            return
        }
        #expect(server.requests.count == 4)
        // Whoever watches the fleet is told, until a call goes well.
        #expect(client.refusal?.words == why)
    }

    /// In the system's words: what a library calls it says nothing to whoever reads it.
    @Test func aPortWhereNobodyListensIsSaidPlainly() async throws {
        let page = try #require(Origin("http://127.0.0.1:1/readyz", allowsPlain: true))
        let (status, text) = await lane.page(page, within: .seconds(60))
        #expect(status == nil && text.contains("Connection refused, errno ") && !text.contains("error set"), "\(text)")
    }

    @Test func keysThatServeAgainAreRefusedNoMore() async throws {
        let isRefusing = Mutex(true)
        let server = try await server { _ in
            isRefusing.withLock { $0 } ? ScriptedServer.response(401) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = try client(server)
        _ = await perform(client)
        let since = client.refusal?.since
        _ = await perform(client)
        #expect(since != nil && client.refusal?.since == since, "since the first refusal")
        isRefusing.withLock { $0 = false }
        _ = await perform(client)
        #expect(client.refusal == nil)
    }

    @Test func wrongKeysAreNotSentAndATokenThatCannotBeHadIsAMatterOfTheConnection() async throws {
        let refusing = try await ScriptedServer.start { _ in ScriptedServer.response(400, #"{"AppKey":["The credentials are not valid."]}"#)
        }
        guard case .failed(.notSent(.noToken)) = await perform(try client(refusing)) else {
            Issue.record("expected no token")
            return
        }
        for act in [
            ScriptedServer.Act.close, .reset, ScriptedServer.response(503), ScriptedServer.response(200, "<html>", type: "text/html"),
        ] {
            let broken = try await ScriptedServer.start { _ in act }
            guard case .failed(.notSent(.noTokenYet)) = await perform(try client(broken), evaluate) else {
                Issue.record("expected not sent")
                return
            }
        }
    }

    /// The end of a token is told in more ways than the documented one, or not at all; none of them costs a sale.
    @Test(arguments: [
        #""expires":"4102444800000""#, #""expires":4102444800"#, #""expires":"2100-01-01T00:00:00Z""#, #""expires":600"#,
        #""expires":null"#, #""expires":"soon""#, #""expires":{}"#,
        #""expires":0"#, #""expires":-5"#, #""expires":9223372036854775807"#, #""expires":1e300"#, #""expires":1000000000000"#,
        #""scope":"x""#,
    ])
    func aTokenServesWhateverIsSaidOfItsEnd(expires: String) async throws {
        let server = try await ScriptedServer.start { request in
            request.path == "/v1/oauth2/token"
                ? ScriptedServer.response(200, "{\"accessToken\":\"jwt\",\(expires)}")
                : ScriptedServer.response(200, #"{"id":"order-1","status":4}"#)
        }
        let client = try client(server)
        for _ in 0..<2 { #expect(await perform(client) == .found(FlexFactorOrder(id: "order-1", state: .processing))) }
        #expect(server.requests.count { $0.path == "/v1/oauth2/token" } == 1)
    }

    @Test(arguments: [
        (#"{"e":600}"#, 600), (#"{"e":"600"}"#, 600), (#"{"e":1767323646}"#, 600), (#"{"e":"1767323646000"}"#, 600),
        (#"{"e":"2026-01-02T03:14:06Z"}"#, 600),
        (#"{"e":"?"}"#, 300), (#"{}"#, 300), (#"{"e":1767323000000}"#, 30), (#"{"e":4102444800000}"#, 86_400),
    ])
    func aTokensEndIsUnderstoodInEachOfItsForms(body: String, seconds: Int64) throws {
        let now = Clock().now
        let token = TokenKeeper.Token(bearer: Secret("x"), told: try JSONValue(parsing: Array(body.utf8).span)["e"], now: now, uptime: now)
        #expect(token.expires - now == .seconds(seconds))
    }

    // MARK: Answers

    @Test(arguments: [
        ("APPROVED", EvaluationStatus.approved), ("declined", .declined), ("CHALLENGE", .challenge), ("CaptureRequired", .captureRequired),
        ("SUBMITTED", .submitted), ("CANCELLED", .cancelled), ("EXPIRED", .expired), ("PROCESSING", .processing),
        ("BRANDNEW", .unrecognised("BRANDNEW")),
    ])
    func evaluateIsReadByItsStatus(word: String, status: EvaluationStatus) async throws {
        let body = #"{"orderSessionKey":"g-1","orderId":"g-1","success":true,"status":"\#(word)","more":{"x":[1]}}"#
        #expect(try await answer(200, body, to: evaluate) == .evaluated(status, "g-1"))
    }

    @Test(arguments: [
        ("", "application/json"), ("<html>maintenance</html>", "text/html"), ("[]", "application/json"),
        (#"{"success":true}"#, "application/json"),
        (#"{"status":5}"#, "application/json"),
    ])
    func aSuccessThatCannotBeReadIsUnknown(body: String, type: String) async throws {
        guard case .failed(.unknown(.unreadable)) = try await answer(200, body, type: type, to: evaluate) else {
            Issue.record("expected unknown")
            return
        }
    }

    @Test(arguments: [500, 502, 503, 504, 408, 302])
    func aServerErrorIsUnknown(status: Int) async throws {
        #expect(try await answer(status, "<html>", type: "text/html", to: evaluate) == .failed(.unknown(.serverError(status: status))))
    }

    @Test func throttlingConflictAndRefusalAreNotUnknown() async throws {
        #expect(try await answer(429, "", to: evaluate) == .failed(.throttled(retryAfter: nil)))
        #expect(try await answer(429, "", headers: "retry-after: 7\r\n", to: evaluate) == .failed(.throttled(retryAfter: .seconds(7))))
        #expect(
            try await answer(429, "", headers: "retry-after: Fri, 02 Jan 2026 03:05:06 GMT\r\n", to: evaluate)
                == .failed(.throttled(retryAfter: .seconds(60))))
        #expect(try await answer(409, "{}", to: evaluate) == .failed(.conflict))
    }

    /// Whatever it says and however: nobody waits for years, nor for no time because a date is long gone.
    @Test(arguments: [
        ("100000", Moment.Span.days(1)), ("9223372036854775807", .days(1)), ("Fri, 01 Jan 2100 00:00:00 GMT", .days(1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", .days(1)), ("Thu, 01 Jan 1970 00:00:00 GMT", .seconds(0)),
    ])
    func noThrottlingLastsLongerThanADay(said: String, wait: Moment.Span) async throws {
        #expect(try await answer(429, "", headers: "retry-after: \(said)\r\n", to: evaluate) == .failed(.throttled(retryAfter: wait)))
    }

    /// Whoever says so may stand before FlexFactor: it speaks of the way there, and not of the request.
    @Test(arguments: [
        (403, ""), (404, "<html>Not Found</html>"), (405, ""), (410, ""), (403, #"{"message":"Forbidden"}"#),
        (400, "<html>Bad Request</html>"), (422, "{}"),
        (404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#),
    ])
    func aBarredWayIsUnknown(status: Int, body: String) async throws {
        #expect(try await answer(status, body, to: evaluate) == .failed(.unknown(.barred(status: status))))
    }

    /// Orders can still be asked about where the way in is barred.
    @Test func aWayThatStaysBarredIsNotTriedOnAndOn() async throws {
        let clock = Clock()
        let server = try await server { request in
            request.path == "/v1/evaluate"
                ? ScriptedServer.response(403, "<html>", type: "text/html") : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = try client(server, clock: clock)
        for _ in 0..<5 {
            #expect(await perform(client, evaluate, clock: clock) == .failed(.unknown(.barred(status: 403))))
            #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        }
        guard case .failed(.notSent(.circuitOpen)) = await perform(client, evaluate, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
        #expect(client.circuit.state == .open)
        #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
    }

    /// What is measured here alone goes by a clock that nobody can set.
    @Test func aClockThatIsSetBackRefusesNothing() async throws {
        let wall = Clock()
        let uptime = Clock()
        let isDead = Mutex(true)
        let server = try await server { _ in
            isDead.withLock { $0 } ? ScriptedServer.response(503) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: Self.mid, origin: try #require(Origin(server.origin)),
                maxRequestsPerSecond: 100),
            now: { wall.now }, uptime: { uptime.now })
        for _ in 0..<20 { _ = await perform(client, clock: wall) }
        guard case .failed(.notSent(.circuitOpen)) = await perform(client, clock: wall) else {
            Issue.record("expected an open circuit")
            return
        }
        isDead.withLock { $0 = false }
        wall.advance(.seconds(-300))
        uptime.advance(.seconds(6))
        #expect(await perform(client, clock: wall) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
    }

    @Test(arguments: [
        #"{"status":400,"title":"One or more validation errors occurred.","traceId":"00-1","errors":{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"]}}"#,
        #"{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"],"TraceId":["00-1"]}"#,
        #"{"status":"400","errors":{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"],"TraceId":["00-1"]}}"#,
    ])
    func fieldErrorsAreReadFromBothShapes(body: String) async throws {
        let errors = [("Transaction.Id", "The Id field is required."), ("OrderId", "a"), ("OrderId", "b")].map {
            FieldError(path: $0, message: $1)
        }
        #expect(try await answer(400, body, to: evaluate) == .failed(.refused(status: 400, errors)))
    }

    @Test func aFieldErrorThatQuotesACardIsRedacted() async throws {
        let number = "41" + String(repeating: "1", count: 14)
        guard case .failed(.refused(_, let errors)) = try await answer(400, #"{"CardNumber":["\#(number) is not valid"]}"#, to: evaluate)
        else {
            Issue.record("expected a refusal")
            return
        }
        #expect(errors.count == 1 && !errors[0].message.contains(number))
    }

    /// Clients are to tolerate fields and sizes that vary: what is legal JSON and charged must be told. But not two words for one name.
    @Test func oddButLegalAnswersAreRead() async throws {
        let rest = #""status":"APPROVED","orderSessionKey":"g-1"}"#
        let long = "{\"note\":\"" + String(repeating: "x", count: 1_500_000) + "\","
        let deep = "{\"d\":" + String(repeating: "[", count: 70) + String(repeating: "]", count: 70) + ","
        for odd in ["\u{FEFF}{", #"{"n":"\ud83d","#, #"{"x":1,"x":2,"#, #"{"status":"APPROVED","#, long, deep] {
            #expect(try await answer(200, odd + rest, to: evaluate) == .evaluated(.approved, "g-1"), "\(odd.prefix(40))")
        }
        for unclear in [#"{"status":"DECLINED","#, #"{"orderSessionKey":"g-2","#] {
            guard case .failed(.unknown) = try await answer(200, unclear + rest, to: evaluate) else {
                Issue.record("\(unclear) was believed")
                return
            }
        }
    }

    private let reference = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)

    private func found(_ id: FlexFactorOrderID, _ state: FlexFactorOrder.State) -> FlexFactorAnswer {
        .found(FlexFactorOrder(id: id, state: state, echo: reference))
    }

    @Test func ordersAreFoundByTheReferenceTheyEcho() async throws {
        let other =
            #"{"id":"g-0","status":7,"externalOrderId":"A-1-S0","orderId":"\#(reference.text)","referenceNumber":"\#(reference.text)"}"#
        for list in [
            #"{"orders":{"data":[\#(other),{"id":"g-1","statusName":"Cancelled","externalOrderId":"\#(reference.text)"}]}}"#,
            #"{"orders":[\#(other),{"id":"g-1","status":2,"ExternalOrderReference":"\#(reference.text)"}]}"#,
            #"{"orders":[\#(other),{"id":"g-1","status":2,"correlationId":"\#(reference.text)"}]}"#,
            #"{"orders":[{"id":"g-1","status":2,"externalId":"7f3c2a10-0000-4000-8000-00000000ab01","correlationId":"\#(reference.text)"}]}"#,
        ] {
            #expect(try await answer(200, list, to: .find(reference)) == found("g-1", .cancelled))
        }
        // Of several, the one that took money is the truth.
        let several =
            #"{"orders":[{"id":"g-1","status":2,"externalOrderId":"\#(reference.text)"},{"id":"g-2","status":7,"externalOrderId":"\#(reference.text)"}]}"#
        #expect(try await answer(200, several, to: .find(reference)) == found("g-2", .completed))
        // Its silence proves nothing; orderId and referenceNumber are FlexFactor's own.
        for list in [#"{"orders":{"data":[]}}"#, #"{"orders":[\#(other)]}"#, #"{"orders":[{"id":"g-1","status":7}]}"#] {
            #expect(try await answer(200, list, to: .find(reference)) == .notListed)
        }
        for (status, body, type) in [
            (200, #"{"results":[]}"#, "application/json"), (200, "<html>", "text/html"), (404, "", "text/html"), (403, "", "text/html"),
        ] {
            guard case .failed(.unknown) = try await answer(status, body, type: type, to: .find(reference)) else {
                Issue.record("\(status) \(body) is no list")
                return
            }
        }
    }

    @Test func everyPageIsLookedAtAndThenWhatWasPlacedSince() async throws {
        let page: @Sendable (String, Bool) -> String = { item, hasNext in #"{"orders":{"data":[\#(item)],"hasNextPage":\#(hasNext)}}"# }
        let ours = #"{"id":"g-1","status":7,"externalOrderId":"\#(reference.text)"}"#
        let other = #"{"id":"g-0","status":7}"#
        let paged = try await server {
            ScriptedServer.response(200, $0.path.hasSuffix("pageNumber=2") ? page(ours, false) : page(other, true))
        }
        #expect(await perform(try client(paged), .find(reference)) == found("g-1", .completed))
        #expect(
            paged.requests.suffix(2).map(\.path) == (1...2).map { "/v1/orders?query=A~2D1-S0&mid=\(Self.mid)&pageSize=50&pageNumber=\($0)" }
        )
        let since = try await server { ScriptedServer.response(200, $0.path.contains("query=") ? page(other, false) : page(ours, false)) }
        #expect(await perform(try client(since), .find(reference, since: Clock().now)) == found("g-1", .completed))
        #expect(since.requests.last?.path.contains("from=2026-01-02T02%3A59%3A06") == true)
        // A list without an end is not followed without an end.
        let endless = try await server { _ in ScriptedServer.response(200, page(other, true)) }
        #expect(await perform(try client(endless), .find(reference)) == .notListed)
        #expect(endless.requests.count == 21)
    }

    /// An order counts only for the id that was asked for.
    /// The status of a dispute has no documented number: the list's own map of numbers tells it. And a server that knows no filter is believed
    /// by the orders' own words.
    @Test(arguments: [true, false]) func ordersWhoseMoneyWentBackAreListedPageByPage(filters: Bool) async throws {
        let orders = (0..<120).map { (id: "o-\($0)", status: $0 % 3 == 0 ? 6 : $0 % 3 == 1 ? 7 : 9) }
        let server = try await server { request in
            let query = Dictionary(
                request.path.split(separator: "?")[1].split(separator: "&").map {
                    ($0.split(separator: "=")[0], $0.split(separator: "=")[1])
                },
                uniquingKeysWith: { first, _ in first })
            guard let status = query["status"].flatMap({ Int($0) }), let page = query["pageNumber"].flatMap({ Int($0) }) else {
                return ScriptedServer.response(400)
            }
            let all = filters ? orders.filter { $0.status == status } : orders
            let shown = all.dropFirst((page - 1) * 25).prefix(25)
            let items = shown.map {
                #"{"id":"\#($0.id)","status":\#($0.status),"statusName":"\#([6: "Returned", 7: "Completed", 9: "Chargeback"][$0.status]!)"}"#
            }
            return ScriptedServer.response(
                200,
                #"{"orders":{"data":[\#(items.joined(separator: ","))],"hasNextPage":\#(page * 25 < all.count)},"statusNames":{"6":"Returned","7":"Completed","9":"Chargeback"}}"#
            )
        }
        let found = try await client(server).moneyBack(since: Clock().now, on: lane, within: .seconds(60)).get()
        #expect(found.isComplete)
        #expect(Set(found.orders.map(\.id.text)) == Set(orders.filter { $0.status != 7 }.map(\.id)))
        let broken = try await self.server { _ in ScriptedServer.response(200, "<html>", type: "text/html") }
        guard case .failure(.unknown(.unreadable)) = try await client(broken).moneyBack(since: Clock().now, on: lane, within: .seconds(60))
        else {
            Issue.record("expected that nothing is known")
            return
        }
    }

    @Test func anOrderSaysWhenItWasPlaced() async throws {
        let placed = try await answer(200, #"{"id":"g-1","status":7,"orderPlacedDate":"2026-01-02T03:04:05.678901Z"}"#, to: .lookUp("g-1"))
        #expect(placed == .found(FlexFactorOrder(id: "g-1", state: .completed, placedAt: Moment(rfc3339: "2026-01-02T03:04:05.678Z"))))
        let unclear = try await answer(200, #"{"id":"g-1","status":7,"orderPlacedDate":"yesterday"}"#, to: .lookUp("g-1"))
        #expect(unclear == .found(FlexFactorOrder(id: "g-1", state: .completed)))
    }

    /// It is not ours to tell of, and none of ours is absent because of it.
    @Test func anOrderOfAnotherAccountIsNoAnswer() async throws {
        for own in [Self.mid, Self.mid.uppercased(), ""] {
            guard case .found = try await answer(200, #"{"id":"g-1","status":7,"MID":"\#(own)"}"#, to: .lookUp("g-1")) else {
                Issue.record("\(own) is no other")
                return
            }
        }
        let other = "00000000-6b1a-4c5f-9a55-0d6a1c7b2e11"
        let shown = try await answer(200, #"{"id":"g-1","status":7,"mid":"\#(other)"}"#, to: .lookUp("g-1"))
        #expect(shown == .failed(.unknown(.otherAccount)))
        let listed = #"{"orders":{"data":[{"id":"g-1","status":6,"mid":"\#(other)","externalOrderId":"\#(reference.text)"}]}}"#
        #expect(try await answer(200, listed, to: .find(reference)) == .notListed)
        let lister = try await server { _ in ScriptedServer.response(200, listed) }
        let back = try await client(lister).moneyBack(since: Clock().now, on: lane, within: .seconds(60)).get()
        #expect(back.orders.isEmpty && back.isComplete)
    }

    @Test func anotherOrderIsNoAnswer() async throws {
        #expect(
            try await answer(200, #"{"id":"G-1","status":7}"#, to: .lookUp("g-1")) == .found(FlexFactorOrder(id: "G-1", state: .completed)))
        guard case .failed(.unknown(.unreadable)) = try await answer(200, #"{"id":"g-2","status":7}"#, to: .lookUp("g-1")) else {
            Issue.record("another order was taken for ours")
            return
        }
        #expect(try await answer(404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#, to: .lookUp("g-1")) == .noSuchOrder)
        #expect(try await answer(404, #"{"message":"Not Found"}"#, to: .lookUp("g-1")) == .failed(.unknown(.barred(status: 404))))
    }

    @Test(arguments: [
        (200, "", FlexFactorAnswer.cancelAccepted), (200, "{}", .cancelAccepted), (200, #"{"success":true,"errors":[]}"#, .cancelAccepted),
        (400, #"{"OrderId":["The order is not in a state that can be cancelled."],"TraceId":["00-1"]}"#, .cancelRefused),
        (422, #"{"title":"The order was already completed","traceId":"00-1"}"#, .cancelRefused),
        (200, #"{"success":false,"status":"FAILED","errors":[{"item1":"The order cannot be cancelled","item2":"1"}]}"#, .cancelRefused),
        (404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#, .noSuchOrder),
        (400, #"{"OrderId":["Order not found."]}"#, .noSuchOrder),
        (404, "<html>Not Found</html>", .failed(.unknown(.barred(status: 404)))), (404, "", .failed(.unknown(.barred(status: 404)))),
        (404, #"{"message":"Not Found"}"#, .failed(.unknown(.barred(status: 404)))), (403, "", .failed(.unknown(.barred(status: 403)))),
        (400, "{}", .failed(.unknown(.barred(status: 400)))), (409, "{}", .failed(.conflict)),
        (
            400, #"{"IdempotencyKey":["The IdempotencyKey field is required."]}"#,
            .failed(.refused(status: 400, [FieldError(path: "IdempotencyKey", message: "The IdempotencyKey field is required.")]))
        ),
    ])
    func aCancelByOurReferenceProvesAnOrderOrNone(status: Int, body: String, expected: FlexFactorAnswer) async throws {
        #expect(try await answer(status, body, to: .cancelByReference(reference)) == expected)
    }

    @Test func aPageInThePlaceOfAYesIsNone() async throws {
        guard
            case .failed(.unknown(.unreadable)) = try await answer(
                200, "<html>maintenance</html>", type: "text/html", to: .cancelByReference(reference))
        else {
            Issue.record("expected unknown")
            return
        }
    }

    @Test func cancelsAndCapturesAreReadAsFlexFactorMeansThem() async throws {
        let capture = FlexFactorCall.capture("g-1", Money(minorUnits: 4_999, currency: .usd), idempotencyKey: UUID5(high: 1, low: 2))
        #expect(try await answer(200, "", to: .cancel("g-1")) == .cancelAccepted)
        #expect(try await answer(400, "{}", to: .cancel("g-1")) == .cancelRefused)
        #expect(try await answer(200, #"{"status":"SUCCESS"}"#, to: capture) == .captured)
        #expect(try await answer(200, #"{"captureStatus":"SUCCESS"}"#, to: capture) == .captured)
        #expect(try await answer(200, #"{"status":"FAILED","responseCode":"2001"}"#, to: capture) == .captureFailed(code: "2001"))
        // The processor's word beside a success decides nothing.
        #expect(try await answer(200, #"{"status":"SUCCESS","responseMessage":"FAILED"}"#, to: capture) == .captured)
        guard case .failed(.unknown) = try await answer(200, #"{"status":"MAYBE"}"#, to: capture) else {
            Issue.record("expected unknown")
            return
        }
    }

    // MARK: Requests

    @Test func evaluateCarriesTheDeclineAndARepeatIsTheSameToTheByte() async throws {
        let server = try await server { _ in ScriptedServer.response(200, #"{"orderSessionKey":"g","status":"APPROVED"}"#) }
        let key = try #require(HMACSigningKey(base64: SignatureTests.keyText))
        let client = try client(server, keys: [key])
        for _ in 0..<2 { _ = await perform(client, evaluate) }
        let requests = server.requests.filter { $0.path == "/v1/evaluate" }
        #expect(requests.count == 2 && requests[0].body == requests[1].body)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(requests[0].body.utf8)) as? [String: Any])
        #expect(json["isMIT"] as? Bool == false && json["isDeclined"] as? Bool == true && json["expiryDateUtc"] == nil)
        #expect(
            json["orderId"] as? String == "A1B2C3D4E5-S0" && json["mid"] as? String == Self.mid
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
                now: Clock().now)
            #expect(refusal == nil)
        }
    }

    @Test func aCardIsExchangedForItsToken() async throws {
        let server = try await server { _ in
            ScriptedServer.response(200, #"{"transaction":{"succeeded":true,"token":null,"payment_method":{"token":"tok-9"}}}"#)
        }
        let card = ClearCard(number: "4000", verificationValue: nil, firstName: "Ada", lastName: "Byron", month: 3, year: 2030)
        let outcome = await (try client(server)).tokenize(card, on: lane, traceparent: nil, deadline: Clock().now + .seconds(60))
        #expect(try outcome.get() == CardToken("tok-9"))
        #expect(server.requests.map(\.path) == ["/v1/tokenize?mid=\(Self.mid)&environment=env-key"])
        #expect(
            server.requests[0].body
                == #"{"payment_method":{"credit_card":{"first_name":"Ada","last_name":"Byron","number":"4000","verification_value":"","month":"03","year":"2030"}}}"#
        )
        let without = await (try client(server, environmentKey: nil)).tokenize(
            card, on: lane, traceparent: nil, deadline: Clock().now + .seconds(60))
        guard case .failure(.notSent(.misconfigured)) = without else {
            Issue.record("expected misconfigured")
            return
        }
    }

    // MARK: Guards

    @Test func aDeadFlexFactorOpensTheCircuitAndOneProbeClosesIt() async throws {
        let clock = Clock()
        let server = try await server { _ in ScriptedServer.response(503) }
        let client = try client(server, clock: clock)
        for _ in 0..<20 { #expect(await perform(client, clock: clock) == .failed(.unknown(.serverError(status: 503)))) }
        #expect(client.circuit.state == .open)
        // Whoever is called at night hears since when, why, and when it is tried again.
        let opened = clock.now
        #expect(client.circuit.since == opened && client.circuit.triedAt == opened + .seconds(5))
        #expect(client.circuit.failures == ["server_error": 20] && client.circuit.last?.name == "server_error")
        #expect(client.circuit.last?.sentence.contains("503") == true)
        let asked = server.requests.count
        guard case .failed(.notSent(.circuitOpen)) = await perform(client, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
        #expect(server.requests.count == asked)
        clock.advance(.seconds(6))
        // A try that fails changes nothing of when and why it opened. Three of them make the pause a longer one.
        for pause in [Moment.Span.seconds(1), .seconds(1), .seconds(10)] {
            _ = await perform(client, clock: clock)
            #expect(client.circuit.since == opened && client.circuit.triedAt == clock.now + pause)
            clock.advance(pause)
        }
        #expect(client.circuit.failures == ["server_error": 23])
        server.script { request in
            request.path == "/v1/oauth2/token"
                ? ScriptedServer.response(200, Self.token) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        #expect(await perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        #expect(client.circuit.state == .closed && client.circuit.since == nil && client.circuit.failures.isEmpty)
    }

    @Test func theRateLimitLetsTheRestWaitOrRefusesThem() {
        var limit = RateLimit(perSecond: 10)
        let now = Clock().now
        // A second's worth at once, then one every 100 ms.
        let waits = (0..<14).map { _ in limit.reserve(now: now, patience: .milliseconds(300)) }
        #expect(waits.prefix(11).allSatisfy { $0 == .seconds(0) })
        #expect(waits[11] == .milliseconds(100) && waits[12] == .milliseconds(200) && waits[13] == .milliseconds(300))
        #expect(limit.reserve(now: now, patience: .milliseconds(300)) == nil)
        #expect(limit.reserve(now: now + .seconds(60), patience: .seconds(0)) == .seconds(0))
    }
}
