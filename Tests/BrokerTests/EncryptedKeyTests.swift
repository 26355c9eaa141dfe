import Foundation
import Testing

@testable import Broker

/// A client key with a passphrase, for which nobody is to be asked.
@Suite(.needsBroker) struct EncryptedKeyTests {
    @Test(.timeLimit(.minutes(1))) func itIsRefusedAtOnceAndSaysWhy() async throws {
        let folder = try #require(ProcessInfo.processInfo.environment["SALVAGE_TEST_TLS"])
        var configuration = try TestBroker.configuration("SALVAGE_TEST_AMQPS")
        configuration.tls?.clientCertificateFile = "\(folder)/client.pem"
        configuration.tls?.clientKeyFile = "\(folder)/client.encrypted.key"
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .tls(_, let why)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(why.contains("which must have no passphrase"))
    }
}
