import Broker
import Configuration
import DeclineRecovery
import FlexFactor
import Foundation
import Logging
import TestSupport
import Testing

@testable import Service

/// Files of authorities: what holds none is refused together with what names it, and what is exchanged is read again.
@Suite struct AuthorityFileTests {
    private static let one = """
        -----BEGIN CERTIFICATE-----
        MIIBezCCASGgAwIBAgIUHg+vfrXtg9EjE1EdDoU/PU6doZEwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjgwNzMwMzJaGA8yMTI2MTEwNDA3
        MzAzMlowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABDdK56A2LP/J3xQOmTixCZVwlXpiwb53F7R9wlhuOxlSzZzTDWybO2R2WXmB
        BMzABoXOgYU1WSrsmTWyLNCMxtGjUzBRMB0GA1UdDgQWBBQH8kwFwUnDihoDaNQ/
        s7+KE82HrDAfBgNVHSMEGDAWgBQH8kwFwUnDihoDaNQ/s7+KE82HrDAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIF/mP2icecMcDZjMD4PmVx7Is57A
        VfD16SWKeq8KQ+wPAiEAqa/F1fgCyb7nb3ChV5mIgk1IdmBqJr92ED6mxWNvc6g=
        -----END CERTIFICATE-----

        """
    private static let other = """
        -----BEGIN CERTIFICATE-----
        MIIBfjCCASOgAwIBAgIUPoys5k4cnQSl26LqaLKZe3AjdHkwCgYIKoZIzj0EAwIw
        EzERMA8GA1UEAwwIT3RoZXIgQ0EwIBcNMjYxMTI4MDczMjEzWhgPMjEyNjExMDQw
        NzMyMTNaMBMxETAPBgNVBAMMCE90aGVyIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D
        AQcDQgAE+291YrtxbMQ7A8wF9AspUhxFdzSZZPcKzQpd74D/2TEq/UmLuBEcJBir
        l/AE63bGf0OzIniEIZRSxosE/ERNpKNTMFEwHQYDVR0OBBYEFELM0DBymoxRbYRF
        +oSBHgAo0QDIMB8GA1UdIwQYMBaAFELM0DBymoxRbYRF+oSBHgAo0QDIMA8GA1Ud
        EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAI3cgXyeDuRqJ9oqEo2fu3Lt
        yMztCsC6vmQuk6bQSK7xAiEA/HyMB61DLRl1ShEAFu2P32d2f1mVY3kkrp+kuE5h
        830=
        -----END CERTIFICATE-----

        """
    private static let faulty: [(String?, String)] = [
        (nil, "it cannot be read: there is no such file"), ("", "it holds no certificate in PEM"),
        ("nothing", "it holds no certificate in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it holds no certificate in PEM"),
        (String(one.prefix(300)), "a certificate in it cannot be read"),
        (one + String(other.prefix(300)), "a certificate in it cannot be read"),
    ]

    /// A folder with a configuration, and the authorities that it names beside it.
    private struct Named {
        private let folder = FileManager.default.temporaryDirectory.appending(path: "authority-\(UUID().uuidString)")
        var configuration: String { folder.appending(path: "salvage.yaml").path }
        var authority: URL { folder.appending(path: "ca.pem") }
        var url: URL { folder.appending(path: "url") }

        /// - Parameter text: what the file of authorities holds; `nil` for no file.
        init(_ text: String?) throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let gateway =
                "{ id: \"42\", appKey: k, appSecret: s, mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11, environment: sandbox, authorityFile: ca.pem }"
            try write("merchants: [{ id: acme, flexFactorGateways: [\(gateway)] }]", URL(filePath: configuration))
            if let text { try write(text, authority) }
        }

        func write(_ text: String, _ file: URL) throws { try text.write(to: file, atomically: true, encoding: .utf8) }
        func remove() { try? FileManager.default.removeItem(at: folder) }
        func read(isForWebhooks: Bool = false) throws -> SalvageConfiguration {
            try SalvageConfiguration(file: configuration, isForWebhooks: isForWebhooks)
        }
    }

    private let gateway = GatewayKey("acme", "42")

    private func authorities(_ text: String) throws -> TrustedAuthorities { try TrustedAuthorities(pem: Array(text.utf8)) }

    private func settings(_ variables: [String: String]) throws -> ProcessSettings {
        try ProcessSettings(reading: ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables)))
    }

    private func faults(_ variables: [String: String]) -> [String] {
        let error = #expect(throws: SettingsError.self) { _ = try settings(variables) }
        return error?.faults ?? []
    }

    // MARK: Of a gateway

    /// As the files of secrets, wherever the process was started.
    @Test func aFileIsLookedForBesideTheConfiguration() throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        let (configuration, expected) = (try named.read(), try authorities(Self.one))
        #expect(configuration.credentials[gateway]?.authorities == expected)
        #expect(configuration.secretFiles.count == 1 && configuration.secretFiles.allSatisfy { $0.hasSuffix("/ca.pem") })
    }

    /// Each sale would be skipped; and what mends it may come in that file alone.
    @Test(arguments: faulty)
    func whatHoldsNoAuthorityIsAFaultOfTheConfiguration(text: String?, says: String) throws {
        let named = try Named(text)
        defer { named.remove() }
        let error = #expect(throws: ConfigurationError.self) { _ = try named.read() }
        let faults = error?.faults ?? []
        #expect(faults.map(\.path) == ["merchants[0].flexFactorGateways[0].authorityFile"], "\(faults)")
        #expect(faults.allSatisfy { $0.message.contains(says) && $0.message.contains("/ca.pem: ") }, "\(faults)")
        #expect(error?.secretFiles.count == 1)
    }

    @Test func whoTakesWebhooksAloneCallsNobodyAndNeedsNoAuthorities() throws {
        let named = try Named(nil)
        defer { named.remove() }
        let configuration = try named.read(isForWebhooks: true)
        #expect(configuration.credentials[gateway]?.authorities == nil && configuration.secretFiles.isEmpty)
    }

    /// The configuration itself stays as it is.
    @Test(.timeLimit(.minutes(5)))
    func authoritiesThatAreExchangedAreTakenAndABrokenFileIsNot() async throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        let (one, other) = (try authorities(Self.one), try authorities(Self.other))
        let store = ConfigurationStore(try named.read()) { FlexFactorClient($1, now: { Moment(milliseconds: 1_800_000_000_000) }) }
        let metrics = ServiceMetrics()
        let reloader = ConfigurationReloader(
            file: named.configuration, store: store, cards: CardKeyRing(), metrics: metrics.reloads,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, watch: nil)
        let looking = Task { try await reloader.follow(every: .milliseconds(1)) }
        defer { looking.cancel() }
        let first = try #require(store.client(gateway))
        try await eventually("half a file is refused") {
            // Until it has looked for the first time, nothing is a change.
            try named.write(String(Self.one.prefix(300)), named.authority)
            return metrics.page(circuits: [:]).contains("salvage_configuration_last_reload_successful 0\n")
        }
        #expect(store.client(gateway) === first)
        try named.write(Self.other, named.authority)
        try await eventually("the other authority is trusted") { store.client(gateway)?.credentials.authorities == other }
        // What is under way there ends as it began.
        #expect(first.credentials.authorities == one)
    }

    /// A gateway keeps its token and its connections where nothing is exchanged.
    @Test func aFileThatSaysTheSameChangesNothing() throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        let store = ConfigurationStore(try named.read()) { FlexFactorClient($1, now: { Moment(milliseconds: 1_800_000_000_000) }) }
        let first = try #require(store.client(gateway))
        try named.write(Self.one, named.authority)
        store.replace(with: try named.read())
        #expect(store.client(gateway) === first)
        try named.write(Self.one + Self.other, named.authority)
        store.replace(with: try named.read())
        #expect(store.client(gateway) !== first)
    }

    // MARK: Of the broker and of notices

    @Test(arguments: faulty)
    func whatHoldsNoAuthorityIsAFaultOfTheSettings(text: String?, says: String) throws {
        let named = try Named(text)
        defer { named.remove() }
        let broker = faults(["SALVAGE_BROKER_URL": "amqps://u:p@broker", "SALVAGE_BROKER_AUTHORITY_FILE": named.authority.path])
        #expect(broker.count == 1 && broker.allSatisfy { $0.hasPrefix("SALVAGE_BROKER_AUTHORITY_FILE: ") }, "\(broker)")
        let notices = faults([
            "SALVAGE_NOTICE_URL": "https://example.com/", "SALVAGE_NOTICE_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "SALVAGE_NOTICE_AUTHORITY_FILE": named.authority.path,
        ])
        #expect(notices.count == 1 && notices.allSatisfy { $0.hasPrefix("SALVAGE_NOTICE_AUTHORITY_FILE: ") }, "\(notices)")
        #expect(notices.allSatisfy { $0.contains(says) }, "\(notices)")
    }

    /// A certificate is of no use without its key.
    @Test func aClientsCertificateWithoutItsKeyIsAFault() throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        let (url, file) = ("amqps://u:p@broker", named.authority.path)
        let alone = faults(["SALVAGE_BROKER_URL": url, "SALVAGE_BROKER_CERTIFICATE_FILE": file])
        #expect(
            alone.count == 1 && alone.allSatisfy { $0.hasPrefix("SALVAGE_BROKER_CERTIFICATE_FILE: cannot read the client key") }, "\(alone)"
        )
        let both = faults(["SALVAGE_BROKER_URL": url, "SALVAGE_BROKER_CERTIFICATE_FILE": file, "SALVAGE_BROKER_KEY_FILE": file])
        #expect(both.count == 1 && both.allSatisfy { $0.hasPrefix("SALVAGE_BROKER_KEY_FILE: cannot read the client key") }, "\(both)")
        let missing = faults([
            "SALVAGE_BROKER_URL": url, "SALVAGE_BROKER_CERTIFICATE_FILE": "/nowhere/a.pem", "SALVAGE_BROKER_KEY_FILE": "/nowhere/a.key",
            "SALVAGE_BROKER_AUTHORITY_FILE": "/nowhere/ca.pem",
        ])
        #expect(missing.count == 3 && missing.allSatisfy { $0.hasSuffix("FILE: it cannot be read: there is no such file") }, "\(missing)")
    }

    /// They are read at each connect. One that is just being exchanged is neither the end of a process nor a reason to keep an old password.
    @Test func aFileThatIsBeingExchangedIsNoMatterOfTheLogin() throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        try named.write("amqps://ada:old@one/v", named.url)
        let broker = try settings([
            "SALVAGE_BROKER_URL_FILE": named.url.path, "SALVAGE_BROKER_AUTHORITY_FILE": named.authority.path,
        ]).broker
        #expect(broker.tls?.authorityFile == named.authority.path)
        try named.write("", named.authority)
        let renewal = try #require(broker.renewal?())
        #expect(renewal.login != nil && renewal.remark == nil, "\(renewal.remark ?? "")")
    }

    /// A receiver's authority may be exchanged as its secret may; half a file leaves what was known.
    @Test func authoritiesOfNoticesAreReadAgain() throws {
        let named = try Named(Self.one)
        defer { named.remove() }
        let (one, other) = (try authorities(Self.one), try authorities(Self.other))
        let notices = try #require(
            try settings([
                "SALVAGE_NOTICE_URL": "https://example.com/", "SALVAGE_NOTICE_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "SALVAGE_NOTICE_AUTHORITY_FILE": named.authority.path,
            ]).notices)
        #expect(notices.authoritiesNow == one)
        try named.write(Self.other, named.authority)
        #expect(notices.authoritiesNow == other)
        try named.write("-----BEGIN CERT", named.authority)
        #expect(notices.authoritiesNow == one)
    }
}
