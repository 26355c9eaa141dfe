import Synchronization
import TestSupport
import Testing

@testable import Broker

/// User and password that change while a link lives.
@Suite struct LoginRenewalTests {
    /// Whoever gets no connection learns why what he wrote is not heeded.
    @Test func aRemarkIsToldOfAnAttemptThatFails() async throws {
        var configuration = BrokerConfiguration(hosts: [.init("127.0.0.1", port: 1)], login: .plain(user: "a", password: Password("b")))
        configuration.renewal = { BrokerConfiguration.Renewal(login: nil, remark: "the file is empty") }
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .cannotConnect(let host, let why)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(host == "127.0.0.1:1" && why.hasSuffix("; the file is empty"), "\(why)")
    }

    @Test(arguments: [BrokerError.loginRefused(host: "h", why: "no"), .tls(host: "h", why: "no"), .timedOut(what: "the greeting")])
    func aRemarkIsToldWhateverKeptTheConnectionFromStanding(error: BrokerError) {
        #expect(error.with("the file is empty").description.hasSuffix("; the file is empty"))
        #expect(error.with(nil) == error)
    }

    /// What cannot be read for a moment leaves the words that served last, not those of the start.
    @Test(.needsBroker) func theLoginThatWasReadLastIsKept() async throws {
        var configuration = try TestBroker.configuration()
        let right = configuration.login
        let asked = Mutex(0)
        configuration.login = .plain(user: "nobody", password: Password("none"))
        // Each of the two connections is let in once by what is read.
        configuration.renewal = {
            BrokerConfiguration.Renewal(
                login: asked.withLock { count in
                    count += 1
                    return count <= 2 ? right : nil
                })
        }
        let stood = Mutex(0)
        let link = try await BrokerLink.open(configuration) { event in
            if case .connected = event { stood.withLock { $0 += 1 } }
        }
        link.breakConnections()
        try await eventually("both connections stand again") { stood.withLock { $0 } == 4 }
        await link.close()
    }
}
