import DeclineRecovery
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

/// Whatever breaks, and wherever: a request is *not sent* only if the server has not had a byte of it.
@Suite struct LaneTests {
    private static let body = Array(String(repeating: "x", count: 2_000).utf8)
    private static let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    private static let stray = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray"

    private func lane(_ limits: HTTPLane.Limits = .init()) -> HTTPLane {
        HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next(), limits: limits)
    }

    private func post(_ lane: HTTPLane, _ origin: String, milliseconds: Int64 = 30_000) async throws -> HTTPOutcome {
        let request = HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: Self.body)
        return await lane.execute(
            request, to: try #require(Origin(origin)), authorities: nil, deadline: .now() + .milliseconds(milliseconds))
    }

    enum Kind: Sendable { case answered, notSent, unknown }

    private func kind(_ outcome: HTTPOutcome) -> Kind {
        switch outcome {
        case .answered: .answered
        case .notSent: .notSent
        case .unknown: .unknown
        }
    }

    @Test(arguments: [1, 2, 17, 60, 100, 500, 1_500, 2_050], [false, true])
    func aConnectionCutInsideTheRequestIsUnknown(bytes: Int, isReset: Bool) async throws {
        let server = try await ScriptedServer.start(cut: (bytes, isReset ? .reset : .close)) { _ in .silence }
        let outcome = try await post(lane(), server.origin)
        #expect(kind(outcome) == .unknown)
        #expect(server.bytesRead > 0)
    }

    @Test(arguments: [false, true])
    func aConnectionCutAtOnceIsNeverCalledNotSentOnceAByteArrived(isReset: Bool) async throws {
        for _ in 0..<50 {
            let server = try await ScriptedServer.start(cut: (0, isReset ? .reset : .close)) { _ in .silence }
            let outcome = try await post(lane(), server.origin)
            #expect(kind(outcome) != .answered)
            if kind(outcome) == .notSent { #expect(server.bytesRead == 0) }
            try await server.stop()
        }
    }

    @Test(arguments: [0, 1, 8, 9, 20, 36, 38, 39])
    func aConnectionCutInsideTheAnswerIsUnknown(bytes: Int) async throws {
        let part = String(decoding: Self.whole.utf8.prefix(bytes), as: UTF8.self)
        let server = try await ScriptedServer.start { _ in .answerAndClose(part) }
        #expect(kind(try await post(lane(), server.origin)) == .unknown)
    }

    @Test func anAnswerThatIsNoHTTPIsUnknown() async throws {
        let server = try await ScriptedServer.start { _ in .answer("SSH-2.0-OpenSSH_9.2\r\n\r\n") }
        #expect(kind(try await post(lane(), server.origin)) == .unknown)
    }

    @Test func silenceIsUnknownAtTheDeadline() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        guard case .unknown(.timedOut) = try await post(lane(), server.origin, milliseconds: 10_000) else {
            Issue.record("expected a time-out of unknown outcome")
            return
        }
        #expect(server.requests.count == 1)
    }

    @Test func aPortWithNobodyBehindItIsNotSent() async throws {
        #expect(kind(try await post(lane(), "http://127.0.0.1:1")) == .notSent)
    }

    /// No peer has a part in it: the kernel lets nobody connect to that address.
    @Test func whatThisProcessCannotDoIsNotThePeersFault() async throws {
        guard case .notSent(.cannotCall) = try await post(lane(), "https://255.255.255.255") else {
            Issue.record("expected that the call cannot be made")
            return
        }
    }

    @Test func aRequestThatWaitsForAConnectionTooLongIsNotSent() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        let lane = lane(.init(connections: 1))
        async let first = post(lane, server.origin, milliseconds: 20_000)
        try await eventually("the first is there") { !server.requests.isEmpty }
        guard case .notSent(.deadline) = try await post(lane, server.origin, milliseconds: 100) else {
            Issue.record("expected not sent")
            return
        }
        #expect(kind(try await first) == .unknown)
        #expect(server.requests.count == 1)
    }

    /// A process may be frozen between any two of its lines: what is late is not written, whether a connection rests or one is made.
    @Test(arguments: [false, true], [false, true])
    func whatIsLateIsNotWritten(isWarm: Bool, isOverdue: Bool) async throws {
        let server = try await ScriptedServer.start { _ in .answer(Self.whole) }
        let lane = lane()
        if isWarm { #expect(kind(try await post(lane, server.origin)) == .answered) }
        let before = server.requests.count
        let outcome = await lane.execute(
            HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: Self.body), to: try #require(Origin(server.origin)),
            authorities: nil, deadline: .now() + .milliseconds(isOverdue ? -1 : 30_000),
            writtenBy: isOverdue ? nil : ContinuousClock.now.advanced(by: .milliseconds(-1)))
        guard case .notSent(.deadline) = outcome else {
            Issue.record("expected not sent: \(outcome)")
            return
        }
        // The connection that rested is not lost by it.
        #expect(kind(try await post(lane, server.origin)) == .answered)
        #expect(server.requests.count == before + 1 && server.connections == 1)
    }

    @Test func whatIsLateWhenItsTurnComesIsNotWritten() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        let lane = lane(.init(connections: 1))
        async let first = post(lane, server.origin, milliseconds: 5_000)
        try await eventually("the first is there") { !server.requests.isEmpty }
        let outcome = await lane.execute(
            HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: Self.body), to: try #require(Origin(server.origin)),
            authorities: nil, deadline: .now() + .seconds(60), writtenBy: ContinuousClock.now.advanced(by: .milliseconds(100)))
        guard case .notSent(.deadline) = outcome else {
            Issue.record("expected not sent: \(outcome)")
            return
        }
        #expect(kind(try await first) == .unknown)
        #expect(server.requests.count == 1)
    }

    @Test func anAnswerLargerThanTheLimitIsUnknown() async throws {
        let large = "HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + String(repeating: "y", count: 9_000_000)
        let server = try await ScriptedServer.start { _ in .answer(large) }
        guard case .unknown(.tooLarge) = try await post(lane(), server.origin) else {
            Issue.record("expected too large")
            return
        }
    }

    @Test func connectionsAreKeptAndAClosedOneIsReplaced() async throws {
        let server = try await ScriptedServer.start { _ in .answer(Self.whole) }
        let lane = lane()
        for _ in 0..<5 { #expect(kind(try await post(lane, server.origin)) == .answered) }
        #expect(server.connections == 1)
        server.script { _ in .answerAndClose(Self.whole) }
        var answered = 0
        for _ in 0..<20 {
            // The close may cross the next request; then it is unknown, and never not sent.
            let outcome = try await post(lane, server.origin)
            #expect(kind(outcome) != .notSent)
            if kind(outcome) == .answered { answered += 1 }
        }
        #expect(answered > 0)
    }

    @Test func aLateAnswerIsNotTakenForTheNextRequests() async throws {
        let server = try await ScriptedServer.start { _ in .silence }
        let lane = lane(.init(connections: 1))
        // On a busy machine a second may be over before the request has left.
        repeat { _ = try await post(lane, server.origin, milliseconds: 1_000) } while server.requests.isEmpty
        let before = server.connections
        server.script { request in .answer("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew") }
        guard case .answered(let response) = try await post(lane, server.origin) else {
            Issue.record("expected an answer")
            return
        }
        #expect(response.body == Array("new".utf8))
        #expect(server.connections == before + 1)
    }

    /// An answer is told apart by its place alone.
    @Test func whatStandsBehindAnAnswerIsNobodys() async throws {
        let count = Mutex(0)
        let server = try await ScriptedServer.start { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return .answer(number == 1 ? Self.whole + Self.stray : Self.whole)
        }
        let lane = lane(.init(connections: 1))
        let outcomes = try await withThrowingTaskGroup(of: HTTPOutcome.self) { group in
            for _ in 0..<3 { group.addTask { try await post(lane, server.origin) } }
            return try await group.reduce(into: [HTTPOutcome]()) { $0.append($1) }
        }
        for outcome in outcomes {
            guard case .answered(let response) = outcome else {
                Issue.record("expected an answer, had \(outcome.failure)")
                continue
            }
            #expect(response.body == Array("{}".utf8))
        }
        #expect(server.connections == 2)
    }

    @Test func aConnectionWhoseAnswerWasAnothersIsNotUsedAgain() async throws {
        let server = try await ScriptedServer.start { _ in .answer(Self.whole) }
        let lane = lane()
        guard case .answered(let response) = try await post(lane, server.origin) else {
            Issue.record("expected an answer")
            return
        }
        lane.disown(response)
        #expect(kind(try await post(lane, server.origin)) == .answered)
        #expect(server.connections == 2)
    }

    @Test func aServerWithoutTLSIsNotSentTheRequest() async throws {
        let server = try await ScriptedServer.start { _ in .answer(Self.whole) }
        let outcome = try await post(
            lane(.init(connectTimeout: .milliseconds(300))), server.origin.replacing("http:", with: "https:"), milliseconds: 2_000)
        #expect(kind(outcome) == .notSent)
        #expect(server.requests.isEmpty)
    }
}
