import Configuration
import DeclineRecovery
import HTTPTypes
import Hummingbird
import Logging
import Operations
import ServiceLifecycle
import Synchronization
import Testing

@testable import Service

/// What becomes of a try to send a notice, by what the receiver answers.
@Suite(.timeLimit(.minutes(2))) struct NoticeReceiverTests {
    /// Runs a receiver that answers so, and sends it one notice.
    ///
    /// - Returns: what became of it, and how often the receiver was asked.
    private func outcome(_ status: Int, _ headers: [String: String] = [:]) async throws -> (NoticeReceiver.Outcome, asked: Int) {
        let asked = Mutex(0)
        let router = Router()
        router.post("**") { _, _ in
            asked.withLock { $0 += 1 }
            var response = Response(status: .init(code: status))
            for (name, value) in headers { if let name = HTTPField.Name(name) { response.headers[name] = value } }
            return response
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (listening, isListening) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(
            router, at: ListenAddress(("127.0.0.1", 0), setting: "SALVAGE_TEST"), limits: .open, logger: logger
        ) { isListening.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        let running = Task { try await group.run() }
        defer { running.cancel() }
        let port = await listening.first { _ in true }
        let variables = [
            "SALVAGE_NOTICE_URL": "http://127.0.0.1:\(try #require(port))/hook",
            "SALVAGE_NOTICE_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ]
        let settings = try ProcessSettings(reading: ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables)))
        let receiver = NoticeReceiver(try #require(settings.notices), fleet: "recovery")
        let outcome = await receiver.send(.test(of: "recovery", at: Moment(milliseconds: 0)))
        return (outcome, asked.withLock { $0 })
    }

    @Test(arguments: [200, 202, 204]) func everySuccessIsAReceipt(status: Int) async throws {
        #expect(try await outcome(status) == (.delivered(status: status), asked: 1))
    }

    /// Whoever leads elsewhere is not followed: what is signed for one is for no other.
    @Test(arguments: [301, 302, 307, 308]) func aRedirectIsAFailureThatSaysWhatToDo(status: Int) async throws {
        let (outcome, asked) = try await outcome(status, ["location": "/elsewhere"])
        guard case .failed(let why, let advice, nil) = outcome else {
            Issue.record("expected a failure, found \(outcome)")
            return
        }
        #expect(why.contains("\(status)") && advice.contains("redirects are not followed") && asked == 1)
    }

    @Test func aReceiverSaysWhenItWantsToBeAskedAgain() async throws {
        guard case .failed(_, _, let wish) = try await outcome(503, ["retry-after": "120"]).0 else {
            Issue.record("expected a failure")
            return
        }
        #expect(wish == .seconds(120))
    }

    @Test func aRefusedSignatureIsAMatterOfTheSecret() async throws {
        guard case .failed(_, let advice, _) = try await outcome(401).0 else {
            Issue.record("expected a failure")
            return
        }
        #expect(advice.contains("SALVAGE_NOTICE_SECRET"))
    }
}
