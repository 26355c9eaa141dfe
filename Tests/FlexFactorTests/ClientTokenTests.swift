import DeclineRecovery
import JSON
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

/// The token of a gateway: fetched once for all who wait, renewed in time, and what it means that there is none.
@Suite struct ClientTokenTests {
    private let world = ClientWorld()

    @Test func oneTokenRequestServesAllWhoWait() async throws {
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"id":"order-1","statusName":"COMPLETED"}"#) }
        let client = try world.client(server)
        let answers = await withTaskGroup(of: FlexFactorAnswer.self) { group in
            for _ in 0..<100 { group.addTask { await world.perform(client) } }
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
        let clock = ClientWorld.Clock()
        let server = try await ScriptedServer.start { _ in ScriptedServer.response(503) }
        let client = try world.client(server, clock: clock)
        for time in 1...4 {
            #expect(client.circuit.state == .closed)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        guard case .failed(.notSent(.noTokenYet)) = await world.perform(client, clock: clock) else {
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
        guard case .failed(.notSent(.circuitOpen)) = await world.perform(client, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
    }

    /// Whoever asks again in that time makes a limiter's ban longer: nobody does, and each call waits for what is left of it.
    @Test(arguments: [429, 503]) func theTokenEndpointIsNotAskedBeforeItSaysSo(status: Int) async throws {
        let clock = ClientWorld.Clock()
        let server = try await ScriptedServer.start { _ in ScriptedServer.response(status, headers: "retry-after: 60\r\n") }
        let client = try world.client(server, clock: clock)
        for (passed, left) in [(0, 60), (20, 40), (39, 1)] as [(Int64, Int64)] {
            clock.advance(.seconds(passed))
            let answer = await world.perform(client, clock: clock)
            guard case .failed(.notSent(.noTokenYet(_, let wait))) = answer else {
                Issue.record("expected no token, not \(answer)")
                return
            }
            #expect(wait == .seconds(left) && answer.retryAfter == .seconds(left) && server.requests.count == 1)
            // Whoever looks why nothing is called hears of it at once.
            let standing = client.circuit
            #expect(standing.state == .open && standing.last?.sentence.contains("\(status)") == true)
            #expect(standing.since == clock.now + .seconds(left - 60) && standing.triedAt == clock.now + .seconds(left))
        }
        clock.advance(.seconds(1))
        _ = await world.perform(client, clock: clock)
        #expect(server.requests.count == 2 && client.circuit.since == clock.now + .seconds(-60), "it is the same trouble")
    }

    /// One header is not to keep all of a gateway's sales for a day.
    @Test func theTokenEndpointIsAskedAgainInAQuarterOfAnHour() async throws {
        let clock = ClientWorld.Clock()
        let asked = Mutex(0)
        let server = try await ScriptedServer.start { request in
            guard request.path == "/v1/oauth2/token" else { return ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
            let isFirst = asked.withLock { asked in
                asked += 1
                return asked == 1
            }
            if isFirst { return ScriptedServer.response(429, headers: "retry-after: 86400\r\n") }
            return ScriptedServer.response(200, ClientWorld.token)
        }
        let client = try world.client(server, clock: clock)
        #expect(await world.perform(client, clock: clock).retryAfter == .minutes(15))
        clock.advance(.minutes(14))
        _ = await world.perform(client, clock: clock)
        #expect(asked.withLock { $0 } == 1)
        clock.advance(.minutes(1))
        #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
    }

    /// While a token serves, that it cannot be renewed is nobody's trouble, and is not asked about with every call.
    @Test func aRenewalThatFailsShutsNothing() async throws {
        let clock = ClientWorld.Clock()
        let asked = Mutex(0)
        let server = try await ScriptedServer.start { request in
            guard request.path == "/v1/oauth2/token" else { return ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
            let isFirst = asked.withLock { asked in
                asked += 1
                return asked == 1
            }
            return isFirst ? ScriptedServer.response(200, #"{"accessToken":"jwt-1","expires":600}"#) : ScriptedServer.response(503)
        }
        let client = try world.client(server, clock: clock)
        _ = await world.perform(client, clock: clock)
        clock.advance(.seconds(550))
        for _ in 0..<10 { #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed))) }
        try await eventually("the renewal was tried") { asked.withLock { $0 } == 2 }
        for _ in 0..<10 { _ = await world.perform(client, clock: clock) }
        #expect(asked.withLock { $0 } == 2 && client.circuit.failures.isEmpty)
    }

    /// The customer waits for the call, whatever it is that does not answer.
    @Test(.timeLimit(.minutes(1))) func aCallWaitsForATokenNoLongerThanItsOwnTime() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        let client = try world.client(server)
        let answer = await client.perform(
            ClientWorld.lookUp, on: world.lane, traceparent: nil, deadline: ClientWorld.Clock().now + .milliseconds(200))
        #expect(answer == .failed(.notSent(.deadline)))
        #expect(client.circuit.state == .closed)
    }

    @Test func aTokenIsRenewedBeforeItEndsWhileItStillServes() async throws {
        let clock = ClientWorld.Clock()
        let expires = (clock.now + .seconds(600)).milliseconds
        let server = try await ScriptedServer.start { request in
            request.path == "/v1/oauth2/token"
                ? ScriptedServer.response(200, #"{"accessToken":"jwt","expires":\#(expires)}"#)
                : ScriptedServer.response(200, #"{"id":"order-1","status":4}"#)
        }
        let client = try world.client(server, clock: clock)
        _ = await world.perform(client, clock: clock)
        clock.advance(.seconds(550))
        #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .processing)))
        try await eventually("the token is fetched anew") { server.requests.filter { $0.path == "/v1/oauth2/token" }.count == 2 }
    }

    @Test func aTokenThatEndedEarlyIsReplacedOnceAndTheCallRepeated() async throws {
        let seen = Mutex(0)
        let server = try await world.server { _ in
            seen.withLock { seen in
                seen += 1
                return seen == 1 ? ScriptedServer.response(401) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
            }
        }
        #expect(await world.perform(try world.client(server)) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        #expect(server.requests.map(\.path) == ["/v1/oauth2/token", "/v1/orders/order-1", "/v1/oauth2/token", "/v1/orders/order-1"])
    }

    @Test func aFreshTokenThatIsRefusedIsAFaultOfTheKeys() async throws {
        let server = try await world.server { _ in ScriptedServer.response(401) }
        let client = try world.client(server)
        #expect(client.refusal == nil)
        guard case .failed(.notSent(.noToken(let why))) = await world.perform(client) else {
            Issue.record("expected no token")
            return
        }
        #expect(server.requests.count == 4)
        // Whoever watches the fleet is told, until a call goes well.
        #expect(client.refusal?.words == why)
    }

    @Test func keysThatServeAgainAreRefusedNoMore() async throws {
        let isRefusing = Mutex(true)
        let server = try await world.server { _ in
            isRefusing.withLock { $0 } ? ScriptedServer.response(401) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = try world.client(server)
        _ = await world.perform(client)
        let since = client.refusal?.since
        _ = await world.perform(client)
        #expect(since != nil && client.refusal?.since == since, "since the first refusal")
        isRefusing.withLock { $0 = false }
        _ = await world.perform(client)
        #expect(client.refusal == nil)
    }

    @Test func wrongKeysAreNotSentAndATokenThatCannotBeHadIsAMatterOfTheConnection() async throws {
        let refusing = try await ScriptedServer.start { _ in ScriptedServer.response(400, #"{"AppKey":["The credentials are not valid."]}"#)
        }
        guard case .failed(.notSent(.noToken)) = await world.perform(try world.client(refusing)) else {
            Issue.record("expected no token")
            return
        }
        for act in [
            ScriptedServer.Act.close, .reset, ScriptedServer.response(503), ScriptedServer.response(200, "<html>", type: "text/html"),
        ] {
            let broken = try await ScriptedServer.start { _ in act }
            guard case .failed(.notSent(.noTokenYet)) = await world.perform(try world.client(broken), world.evaluate) else {
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
        let client = try world.client(server)
        for _ in 0..<2 { #expect(await world.perform(client) == .found(FlexFactorOrder(id: "order-1", state: .processing))) }
        #expect(server.requests.count { $0.path == "/v1/oauth2/token" } == 1)
    }

    @Test(arguments: [
        (#"{"e":600}"#, 600), (#"{"e":"600"}"#, 600), (#"{"e":1767323646}"#, 600), (#"{"e":"1767323646000"}"#, 600),
        (#"{"e":"2026-01-02T03:14:06Z"}"#, 600),
        (#"{"e":"?"}"#, 300), (#"{}"#, 300), (#"{"e":1767323000000}"#, 30), (#"{"e":4102444800000}"#, 86_400),
    ])
    func aTokensEndIsUnderstoodInEachOfItsForms(body: String, seconds: Int64) throws {
        let now = ClientWorld.Clock().now
        let token = TokenKeeper.Token(bearer: Secret("x"), told: try JSONValue(parsing: Array(body.utf8).span)["e"], now: now, uptime: now)
        #expect(token.expires - now == .seconds(seconds))
    }
}
