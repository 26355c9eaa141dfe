import DeclineRecovery
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

/// What keeps a call from being made: the circuit, the rate, the time to write.
@Suite struct ClientGuardTests {
    private let world = ClientWorld()

    /// Whoever waits for his turn is not told that FlexFactor is slow.
    @Test func waitingForOurOwnRateIsNoneOfFlexFactorsTime() async throws {
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
        let clock = ClientWorld.Clock()
        let measured = Mutex<Int64>(0)
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: ClientWorld.mid,
                origin: try #require(Origin(server.origin)),
                maxRequestsPerSecond: 4),
            now: { clock.now }, observe: { call in measured.withLock { $0 += call.nanoseconds } }, uptime: { clock.now })
        let start = ContinuousClock.now
        // Four that the rate lets through at once, and one that waits until a second is over.
        for _ in 0..<5 { #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed))) }
        #expect(ContinuousClock.now - start - .nanoseconds(measured.withLock { $0 }) >= .milliseconds(200))
    }

    @Test func theRateLimitLetsTheRestWaitOrRefusesThem() {
        var limit = RateLimit(perSecond: 10)
        let now = ClientWorld.Clock().now
        // A second's worth at once, then none until that second is over.
        let waits = (0..<12).map { limit.reserve(now: now + .milliseconds($0 * 10), patience: .seconds(2)) }
        #expect(waits.prefix(10).allSatisfy { $0 == .seconds(0) } && waits.suffix(2) == [.milliseconds(900), .milliseconds(900)])
        #expect(limit.reserve(now: now + .milliseconds(120), patience: .milliseconds(300)) == nil)
        #expect(limit.reserve(now: now + .seconds(60), patience: .seconds(0)) == .seconds(0))
    }

    /// What FlexFactor counts in any second is no more, however the calls come.
    @Test(arguments: [1, 2.5, 7, 9.9, 0.5]) func noSecondHasMore(perSecond: Double) {
        var limit = RateLimit(perSecond: perSecond)
        let now = ClientWorld.Clock().now
        var turns: [Int64] = []
        var random = SeededRandom(seed: 7)
        var at: Int64 = 0
        for _ in 0..<500 {
            at += Int64.random(in: 0..<400, using: &random) * (Int.random(in: 0..<20, using: &random) == 0 ? 20 : 1)
            guard let wait = limit.reserve(now: now + .milliseconds(at), patience: .seconds(3)) else { continue }
            turns.append(at + wait.milliseconds)
        }
        let most = max(Int(perSecond), 1)
        let window = Int64(max(1 / perSecond, 1) * 1_000)
        #expect(turns.count > 50 && turns.indices.dropFirst(most).allSatisfy { turns[$0] - turns[$0 - most] >= window - 1 })
    }

    /// Whatever a charge waited for, for the token as for any other thing: what may not be written any more is not.
    @Test func whatMayNotBeWrittenAnyMoreIsNotSent() async throws {
        let clock = ClientWorld.Clock()
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"status":"APPROVED","orderId":"g-1"}"#) }
        let client = try world.client(server, clock: clock)
        for _ in 0..<2 {
            let answer = await client.perform(
                world.evaluate, on: world.lane, traceparent: nil, deadline: clock.now + .seconds(60),
                writtenBy: ContinuousClock.now.advanced(by: .milliseconds(-1)))
            #expect(answer == .failed(.notSent(.deadline)))
        }
        #expect(server.requests.map(\.path) == ["/v1/oauth2/token"])
    }

    /// A turn that comes too late is not taken: others wait for theirs.
    @Test func aTurnBehindTheTimeToWriteIsNotWaitedFor() async throws {
        let clock = ClientWorld.Clock()
        let server = try await world.server { _ in ScriptedServer.response(200, #"{"id":"order-1","status":7}"#) }
        // After the first, the next turn is a hundred seconds away.
        let client = try world.client(server, clock: clock, rate: 0.01)
        _ = await world.perform(client, clock: clock)
        let begun = ContinuousClock.now
        let answer = await client.perform(
            world.evaluate, on: world.lane, traceparent: nil, deadline: clock.now + .seconds(3_600),
            writtenBy: begun.advanced(by: .seconds(60)))
        // The time to write was not over: it was the rate.
        #expect(answer == .failed(.notSent(.rateLimited)))
        #expect(ContinuousClock.now - begun < .seconds(59))
    }

    @Test func aDeadFlexFactorOpensTheCircuitAndOneProbeClosesIt() async throws {
        let clock = ClientWorld.Clock()
        let server = try await world.server { _ in ScriptedServer.response(503) }
        let client = try world.client(server, clock: clock)
        for _ in 0..<20 { #expect(await world.perform(client, clock: clock) == .failed(.unknown(.serverError(status: 503)))) }
        #expect(client.circuit.state == .open)
        // Whoever is called at night hears since when, why, and when it is tried again.
        let opened = clock.now
        #expect(client.circuit.since == opened && client.circuit.triedAt == opened + .seconds(5))
        #expect(client.circuit.failures == ["server_error": 20] && client.circuit.last?.name == "server_error")
        #expect(client.circuit.last?.sentence.contains("503") == true)
        let asked = server.requests.count
        guard case .failed(.notSent(.circuitOpen)) = await world.perform(client, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
        #expect(server.requests.count == asked)
        clock.advance(.seconds(6))
        // A try that fails changes nothing of when and why it opened. Three of them make the pause a longer one.
        for pause in [Moment.Span.seconds(1), .seconds(1), .seconds(10)] {
            _ = await world.perform(client, clock: clock)
            #expect(client.circuit.since == opened && client.circuit.triedAt == clock.now + pause)
            clock.advance(pause)
        }
        #expect(client.circuit.failures == ["server_error": 23])
        server.script { request in
            request.path == "/v1/oauth2/token"
                ? ScriptedServer.response(200, ClientWorld.token) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        #expect(client.circuit.state == .closed && client.circuit.since == nil && client.circuit.failures.isEmpty)
    }

    /// Orders can still be asked about where the way in is barred.
    @Test func aWayThatStaysBarredIsNotTriedOnAndOn() async throws {
        let clock = ClientWorld.Clock()
        let server = try await world.server { request in
            request.path == "/v1/evaluate"
                ? ScriptedServer.response(403, "<html>", type: "text/html") : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = try world.client(server, clock: clock)
        for _ in 0..<5 {
            #expect(await world.perform(client, world.evaluate, clock: clock) == .failed(.unknown(.barred(status: 403))))
            #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
        }
        guard case .failed(.notSent(.circuitOpen)) = await world.perform(client, world.evaluate, clock: clock) else {
            Issue.record("expected an open circuit")
            return
        }
        #expect(client.circuit.state == .open)
        #expect(await world.perform(client, clock: clock) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
    }

    /// What is measured here alone goes by a clock that nobody can set.
    @Test func aClockThatIsSetBackRefusesNothing() async throws {
        let wall = ClientWorld.Clock()
        let uptime = ClientWorld.Clock()
        let isDead = Mutex(true)
        let server = try await world.server { _ in
            isDead.withLock { $0 } ? ScriptedServer.response(503) : ScriptedServer.response(200, #"{"id":"order-1","status":7}"#)
        }
        let client = FlexFactorClient(
            GatewayCredentials(
                appKey: Secret("app-key"), appSecret: Secret("app-secret"), mid: ClientWorld.mid,
                origin: try #require(Origin(server.origin)),
                maxRequestsPerSecond: 100),
            now: { wall.now }, uptime: { uptime.now })
        for _ in 0..<20 { _ = await world.perform(client, clock: wall) }
        guard case .failed(.notSent(.circuitOpen)) = await world.perform(client, clock: wall) else {
            Issue.record("expected an open circuit")
            return
        }
        isDead.withLock { $0 = false }
        wall.advance(.seconds(-300))
        uptime.advance(.seconds(6))
        #expect(await world.perform(client, clock: wall) == .found(FlexFactorOrder(id: "order-1", state: .completed)))
    }
}
