import Broker
import Configuration
import DeclineRecovery
import Foundation
import Testing

@testable import Service

/// What a process is told by its environment: every fault at once, each with its variable, none with a secret.
@Suite struct ProcessSettingsTests {
    private func settings(_ variables: [String: String]) throws -> ProcessSettings {
        try ProcessSettings(reading: ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables)))
    }

    private func faults(_ variables: [String: String]) -> [String] {
        do {
            _ = try settings(variables)
            return []
        } catch let error as SettingsError {
            return error.faults
        } catch {
            return ["\(error)"]
        }
    }

    @Test func anEmptyEnvironmentIsAWorkerBesideALocalBroker() throws {
        let settings = try settings([:])
        #expect(settings.configurationFile == "salvage.yaml" && settings.names == TopologyNames() && settings.stages == Set(Stage.allCases))
        #expect(settings.webhooks?.port == 8_081 && settings.listen?.port == 8_080 && settings.console.host == "127.0.0.1")
        #expect(settings.broker.hosts.first?.port == 5_672 && settings.prefetch[.suspects] == 1)
    }

    /// One fault for one mistake, and where the password belongs.
    @Test func aBrokersUserWithoutAPasswordIsToldWhereItGoes() {
        let missing = faults(["SALVAGE_BROKER_URL": "amqp://ada@broker"])
        #expect(
            missing.count == 1 && missing.allSatisfy { $0.contains("SALVAGE_BROKER_PASSWORD, SALVAGE_BROKER_PASSWORD_FILE") }, "\(missing)")
        let unreadable = faults(["SALVAGE_BROKER_URL": "amqp://ada@broker", "SALVAGE_BROKER_PASSWORD_FILE": "/none/such.txt"])
        #expect(unreadable.count == 1 && unreadable.allSatisfy { $0.hasPrefix("SALVAGE_BROKER_PASSWORD_FILE: ") }, "\(unreadable)")
    }

    /// Whoever opens a pipe by its name may wait without end, and a connection with it.
    @Test func aPipeOrADeviceHoldsNoAuthorities() {
        let named = ["SALVAGE_BROKER_AUTHORITY_FILE", "SALVAGE_BROKER_CERTIFICATE_FILE", "SALVAGE_BROKER_KEY_FILE"]
        let variables = ["SALVAGE_BROKER_URL": "amqps://u:p@broker"].merging(named.map { ($0, "/dev/zero") }) { $1 }
        let faults = faults(variables)
        #expect(faults.count == 3 && faults.allSatisfy { $0.contains("FILE: it cannot be read: it is a device") }, "\(faults)")
    }

    @Test func aClientKeyWithoutItsCertificateIsNotPassedOver() {
        let found = faults(["SALVAGE_BROKER_URL": "amqps://u:p@broker", "SALVAGE_BROKER_KEY_FILE": #filePath])
        #expect(found == ["SALVAGE_BROKER_KEY_FILE is of no use without SALVAGE_BROKER_CERTIFICATE_FILE"])
    }

    // MARK: Notices

    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test func noticesGoWhereTheyAreToldAndNowhereElse() throws {
        #expect(try settings([:]).notices == nil && settings(["SALVAGE_NOTICE_SECRET": Self.secret]).notices == nil)
        let notices = try #require(
            try settings([
                "SALVAGE_NOTICE_URL": "https://example.com/hooks/T0", "SALVAGE_NOTICE_SECRET": "\(Self.secret) \(Self.secret)",
                "SALVAGE_NOTICE_AFTER_SECONDS": "5", "SALVAGE_CONSOLE_URL": "https://console.example.com/",
            ]).notices)
        #expect("\(notices.address)" == "https://example.com" && notices.secretCount == 2 && notices.patience == .seconds(5))
        #expect(notices.console == "https://console.example.com")
    }

    /// Whoever exchanges secrets changes the file; one that cannot be read at that moment leaves what was known.
    @Test func secretsOfAFileAreReadAgain() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("\(Self.secret)\n".utf8).write(to: file)
        let notices = try #require(
            try settings(["SALVAGE_NOTICE_URL": "http://127.0.0.1:1/", "SALVAGE_NOTICE_SECRET_FILE": file.path]).notices)
        #expect(notices.secretsNow.count == 1)
        try Data("\(Self.secret)\nwhsec_\(String(repeating: "A", count: 32))\n".utf8).write(to: file)
        #expect(notices.secretsNow.count == 2)
        try Data("half of a sec".utf8).write(to: file)
        #expect(notices.secretsNow.count == 1)
    }

    @Test(arguments: [
        (["SALVAGE_NOTICE_URL": "http://example.com/hooks/T0SECRET", "SALVAGE_NOTICE_SECRET": secret], "SALVAGE_NOTICE_URL: "),
        (["SALVAGE_NOTICE_URL": "https://example.com/"], "SALVAGE_NOTICE_SECRET: expected one beside SALVAGE_NOTICE_URL"),
        (["SALVAGE_NOTICE_URL": "https://example.com/", "SALVAGE_NOTICE_SECRET": "T0SECRET"], "SALVAGE_NOTICE_SECRET: expected whsec_"),
        (["SALVAGE_NOTICE_URL": "https://example.com/", "SALVAGE_NOTICE_SECRET_FILE": "/nowhere/at.all"], "SALVAGE_NOTICE_SECRET_FILE: "),
        (["SALVAGE_CONSOLE_URL": "console.example.com"], "SALVAGE_CONSOLE_URL: "),
    ])
    func faultyNoticesAreNamedWithoutTheirSecrets(variables: [String: String], fault: String) {
        let faults = faults(variables)
        #expect(faults.count == 1 && faults.first?.hasPrefix(fault) == true && faults.first?.contains("T0SECRET") == false, "\(faults)")
    }

    @Test func whatIsSaidIsTaken() throws {
        let settings = try settings([
            "SALVAGE_BROKER_URL": "amqp://u:p@broker.example:5673/vhost", "SALVAGE_TOPOLOGY_PREFIX": "pay.eu",
            "SALVAGE_STAGES": "intake,cascade",
            "SALVAGE_PREFETCH_CASCADE": "17", "SALVAGE_LISTEN": "none", "SALVAGE_WEBHOOKS_LISTEN": ":9000",
            "SALVAGE_RETRY_DAY_SECONDS": "2",
        ])
        #expect(settings.broker.hosts.first?.port == 5_673 && settings.names.prefix == "pay.eu" && settings.prefetch[.cascade] == 17)
        // Whoever may put something away brings it forth again.
        #expect(
            settings.stages == [.intake, .cascade, .held] && settings.listen == nil && settings.webhooks?.host == "0.0.0.0"
                && settings.day == .seconds(2))
    }

    @Test(arguments: ["webhooks.example", "Webhooks.example:8443", "[2001:db8::1]:443", "web_hooks-1"])
    func aHostIsTakenAsItIsWritten(text: String) throws {
        #expect(try settings(["SALVAGE_WEBHOOKS_HOST": text]).webhookHost == text)
    }

    /// What nobody would write there is not offered.
    @Test func theChoiceOfStagesIsThatOfTheDocumentation() {
        let faults = faults(["SALVAGE_STAGES": "none"])
        #expect(faults.count == 1 && faults.allSatisfy { $0.contains("suspects, unrouted") && !$0.contains("held") }, "\(faults)")
    }

    @Test(arguments: ["[::1]:8083", "::1:8083"])
    func anIPv6AddressIsListenedOn(text: String) throws {
        let listen = try settings(["SALVAGE_LISTEN": text]).listen
        #expect(listen?.host == "::1" && listen?.port == 8_083)
    }

    @Test func anEmptyVariableSaysNothing() throws {
        #expect(try settings(["SALVAGE_LANES": "", "SALVAGE_STAGES": "", "SALVAGE_BROKER_URL": ""]).stages == Set(Stage.allCases))
    }

    @Test(arguments: [
        ("SALVAGE_STAGES", "intake,casc"), ("SALVAGE_STAGES", ","), ("SALVAGE_TOPOLOGY_PREFIX", "a/b"), ("SALVAGE_PREFETCH_INTAKE", "0"),
        ("SALVAGE_PREFETCH_INTAKE", "65536"), ("SALVAGE_PREFETCH_INTAKE", "9223372036854775808"), ("SALVAGE_PREFETCH_INTAKE", "ten"),
        ("SALVAGE_LISTEN", "8080"), ("SALVAGE_LISTEN", "host:70000"), ("SALVAGE_CONSOLE_LISTEN", "none"), ("SALVAGE_LOG_LEVEL", "loud"),
        ("SALVAGE_LOG_FORMAT", "xml"), ("SALVAGE_LANES", "-1"), ("SALVAGE_SHUTDOWN_GRACE_SECONDS", "601"),
        ("SALVAGE_RETRY_DAY_SECONDS", "0"), ("SALVAGE_TOPOLOGY_PREFIX", "amq"), ("SALVAGE_TOPOLOGY_PREFIX", "amq.x"),
        ("SALVAGE_WEBHOOKS_HOST", " "), ("SALVAGE_WEBHOOKS_HOST", "https://webhooks.example/"), ("SALVAGE_BROKER_SERVER_NAME", " "),
        ("SALVAGE_BROKER_URL", "http://x"), ("SALVAGE_BROKER_HEARTBEAT_SECONDS", "0"), ("SALVAGE_CARD_KEYS", "no-file-here"),
    ])
    func whatIsNotOfItsFormIsNamed(variable: String, value: String) {
        let faults = faults([variable: value])
        #expect(faults.count == 1 && faults.first?.hasPrefix("\(variable):") == true, "\(faults)")
    }

    /// The other would count, and what was set never be.
    @Test(arguments: [
        ("SALVAGE_POLL_FIRST_SECONDS", "SALVAGE_POLL_LONGEST_SECONDS"), ("SALVAGE_REPOST_FIRST_SECONDS", "SALVAGE_REPOST_LONGEST_SECONDS"),
        ("SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS", "SALVAGE_SHUTDOWN_GRACE_SECONDS"),
    ])
    func whatWouldNeverCountIsNamed(part: String, whole: String) {
        #expect(faults([part: "20", whole: "10"]) == ["\(part): expected no more than \(whole), which is 10, found '20'"])
        #expect(faults([part: "10", whole: "10"]).isEmpty)
        // What nobody has set gives way.
        #expect(faults([whole: "1"]).isEmpty)
        #expect(faults([part: "none", whole: "1"]).count == 1)
    }

    @Test func allFaultsAreToldAtOnce() {
        #expect(faults(["SALVAGE_LANES": "x", "SALVAGE_LISTEN": "x", "SALVAGE_LOG_LEVEL": "x"]).count == 3)
    }

    /// Whoever puts a password into the wrong variable reads nothing of it in the log.
    @Test func noFaultHoldsASecret() {
        for (variable, value) in [
            ("SALVAGE_BROKER_URL", "amqp://user:canary-4711@"), ("SALVAGE_BROKER_URL", "canary-4711"), ("SALVAGE_LISTEN", "canary-4711"),
            ("SALVAGE_TOPOLOGY_PREFIX", "canary 4711"), ("SALVAGE_CARD_KEYS", "canary-4711"),
        ] {
            let faults = faults([variable: value])
            #expect(!faults.isEmpty && faults.allSatisfy { !$0.contains("canary") }, "\(faults)")
        }
    }
}
