import DeclineRecovery
import JSON
import Operations
import Synchronization
import Testing

@testable import Console

/// What slows guessing down, and what keeps costly questions few.
@Suite(.timeLimit(.minutes(1))) struct ConsoleDoorTests {
    private final class Clock: Sendable {
        private let state = Mutex<(now: ContinuousClock.Instant, slept: [Duration])>((.now, []))
        var now: ContinuousClock.Instant { state.withLock { $0.now } }
        var slept: [Duration] { state.withLock { $0.slept } }
        func advance(_ span: Duration) { state.withLock { $0.now += span } }
        func sleep(_ span: Duration) { state.withLock { $0.slept.append(span) } }
    }

    /// A proposal reads up to two thousand letters, as its rehearsal does; a run that begins at once reads none while somebody waits.
    @Test(
        arguments: [
            ("POST", "runs", nil, false), ("POST", "runs", .minutes(60), true), ("POST", "runs/rehearse", nil, true),
            ("GET", "runs", nil, false),
            ("POST", "runs/1/approve", .minutes(60), false), ("GET", "recoveries", nil, true), ("GET", "letters", nil, false),
            ("GET", "letters/1", nil, true), ("POST", "letters/1/check", nil, true), ("GET", "overview", nil, false),
        ] as [(String, String, Moment.Span?, Bool)])
    func whatCostsMuchIsHeavy(method: String, path: String, secondPerson: Moment.Span?, isHeavy: Bool) throws {
        let request = ConsoleRequest(
            method: try #require(ConsoleRequest.Method(rawValue: method)), path: path.split(separator: "/").map(String.init), query: [:],
            body: .object([]), person: ConsoleRequest.Person(name: "ada", role: .admin, isOpen: false, secondPerson: secondPerson))
        #expect(request.isHeavy == isHeavy)
    }

    /// Whoever writes a program of his own reads what it lacks, and not that it is not the console's page.
    @Test(
        arguments: [
            (nil, nil, nil, "application/json", "X-Salvage-Console: 1"), ("2", nil, nil, "application/json", "X-Salvage-Console: 1"),
            ("1", nil, nil, nil, "Content-Type: application/json"), ("1", nil, nil, "text/plain", "Content-Type: application/json"),
            ("1", "cross-site", nil, "application/json", "Sec-Fetch-Site"),
            ("1", nil, "https://evil.example", "application/json", "(Origin)"),
            ("1", nil, nil, "Application/JSON; charset=utf-8", nil), ("1", "same-origin", nil, "application/json", nil),
            ("1", nil, "https://console.example", "application/json", nil),
        ] as [(String?, String?, String?, String?, String?)])
    func aRefusalNamesTheHeader(mark: String?, site: String?, origin: String?, contentType: String?, named: String?) {
        let request = RequestOrigin(mark: mark, site: site, origin: origin, authority: "console.example", contentType: contentType)
        let refusal = request.refusal(of: .post)?.response
        #expect(refusal?.status == (named == nil ? nil : 403))
        #expect(named.map { refusal?.body["error"]?["what"]?.string?.contains($0) == true } ?? true, "\(String(describing: refusal?.body))")
        if contentType != "application/json", mark == "1" { #expect(request.refusal(of: .get) == nil) }
    }

    /// A path that is none is not a letter that is gone.
    @Test func aPathThatIsNoneIsNamed() {
        let body = ConsoleError.noSuchPath("GET /api/v1/letterz/4111111111111111").response.body["error"]
        #expect(body?["what"]?.string?.contains("GET /api/v1/letterz") == true && body?["what"]?.string?.contains("4111") == false)
        #expect(body?["advice"]?.string?.contains("openapi.json") == true)
    }

    /// Holds everybody until it is opened.
    private final class Latch: Sendable {
        private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>], passed: Int)>((false, [], 0))

        /// How many have come to it.
        var count: Int { state.withLock { $0.passed } }

        func wait() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.passed += 1
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        func open() {
            let waiting = state.withLock { state in
                defer { state = (true, [], state.passed) }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private func pacer(_ clock: Clock) -> SignInPacer { SignInPacer(clock: { clock.now }, sleep: { clock.sleep($0) }) }

    @Test func wrongTokensAreAnsweredEverLater() async {
        let clock = Clock()
        let pacer = pacer(clock)
        for _ in 0..<8 { #expect(await pacer.wait("192.0.2.1")) }
        #expect(clock.slept == [250, 500, 1_000, 2_000, 2_000, 2_000].map { .milliseconds($0) })
        #expect(await pacer.wait("192.0.2.2"))
        #expect(clock.slept.count == 6, "another source is slowed down as well")
        clock.advance(.seconds(301))
        #expect(await pacer.wait("192.0.2.1"))
        #expect(clock.slept.count == 6, "it is not forgotten")
    }

    @Test func aSourceThatFloodsIsRefusedUntilItsAnswersAreGiven() async {
        let latch = Latch()
        let pacer = SignInPacer(sleep: { _ in await latch.wait() })
        for _ in 0..<2 { #expect(await pacer.wait("a")) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<SignInPacer.mostWaiting { group.addTask { #expect(await pacer.wait("a")) } }
            while latch.count < SignInPacer.mostWaiting { await Task.yield() }
            #expect(await !pacer.wait("a"))
            #expect(await pacer.wait("b"))
            latch.open()
        }
        #expect(await pacer.wait("a"))
    }

    @Test func sourcesAreBoundedAndIPv6IsOneByNetwork() async {
        let clock = Clock()
        let pacer = pacer(clock)
        for number in 0..<SignInPacer.mostSources + 100 { #expect(await pacer.wait("s\(number)")) }
        #expect(SignInPacer.source("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::" && SignInPacer.source("2001:db8::1") == "2001:db8:0:0::")
        #expect(
            SignInPacer.source("::1") == "0:0:0:0::" && SignInPacer.source("192.0.2.7") == "192.0.2.7"
                && SignInPacer.source("2001:db8:1:2::9") == "2001:db8:1:2::")
    }

    @Test func refusalsAreToldOnceInAWhile() {
        let clock = Clock()
        let pacer = pacer(clock)
        #expect(pacer.noteRefusal() == 1)
        for _ in 0..<50 { #expect(pacer.noteRefusal() == nil) }
        clock.advance(.seconds(11))
        #expect(pacer.noteRefusal() == 51)
    }

    @Test func soManyWorkSoManyWaitAndTheRestHearsAtOnce() async {
        let gate = WorkGate(running: 2, waiting: 3, patience: .seconds(60))
        let latch = Latch()
        let answers = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<150 {
                group.addTask {
                    await gate.run {
                        await latch.wait()
                        return 1
                    }
                }
            }
            var answers: [Int?] = []
            // All that are refused come while nothing is finished yet.
            while answers.count < 145, let answer = await group.next() { answers.append(answer) }
            #expect(answers.allSatisfy { $0 == nil })
            while latch.count < 2 { await Task.yield() }
            #expect(latch.count == 2)
            latch.open()
            for await answer in group { answers.append(answer) }
            return answers
        }
        #expect(answers.count { $0 == 1 } == 5)
        #expect(await gate.run { 7 } == 7)
    }

    @Test func nobodyWaitsForEver() async {
        let gate = WorkGate(running: 1, waiting: 1, patience: .milliseconds(50))
        let latch = Latch()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await gate.run { await latch.wait() } }
            while latch.count == 0 { await Task.yield() }
            #expect(await gate.run { 1 } == nil)
            latch.open()
        }
        #expect(await gate.run { 2 } == 2)
    }

    @Test func workHasAnEnd() async {
        #expect(await TimeLimit.run(.seconds(30)) { 1 } == 1)
        #expect(
            await TimeLimit.run(.milliseconds(20)) { () -> Int in
                try? await Task.sleep(for: .seconds(600))
                return 1
            } == nil)
        // Work that does not heed that nobody wants it any more is not waited for either.
        let latch = Latch()
        #expect(await TimeLimit.run(.milliseconds(20)) { await latch.wait() } == nil)
        latch.open()
    }
}
