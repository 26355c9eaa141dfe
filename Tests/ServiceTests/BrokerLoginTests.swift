import Configuration
import Foundation
import Testing

@testable import Broker
@testable import Service

/// What is read again of the files that name the broker.
@Suite struct BrokerLoginTests {
    private struct Named {
        private let folder = FileManager.default.temporaryDirectory.appending(path: "broker-\(UUID().uuidString)")
        var url: URL { folder.appending(path: "url") }
        var password: URL { folder.appending(path: "password") }

        init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
        func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    private func write(_ text: String, _ file: URL) throws { try text.write(to: file, atomically: true, encoding: .utf8) }

    private func broker(_ variables: [String: String]) throws -> BrokerConfiguration {
        try ProcessSettings(reading: ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables))).broker
    }

    private func words(_ login: BrokerConfiguration.Login?) -> String? {
        guard case .plain(let user, let password)? = login else { return nil }
        return "\(user) \(password.exposed)"
    }

    @Test func withoutAFileNothingIsReadAgain() throws {
        let isRead = try broker(["SALVAGE_BROKER_URL": "amqp://ada:old@one/v"]).renewal != nil
        #expect(!isRead)
    }

    @Test func userAndPasswordAreThoseOfTheFile() throws {
        let named = try Named()
        defer { named.remove() }
        try write("amqp://ada:old@one,two/v\n", named.url)
        let broker = try broker(["SALVAGE_BROKER_URL_FILE": named.url.path])
        try write("amqp://eve:new@two,one/v\n", named.url)
        let renewal = try #require(broker.renewal?())
        #expect(words(renewal.login) == "eve new" && renewal.remark == nil)
    }

    /// What is in work is at that broker, and so are the claims: a process goes over to no other, and says so where it gets no connection.
    @Test(arguments: [
        ("amqp://ada:new@three,two/v", "has other hosts now"), ("amqp://ada:new@one,two/w", "has another virtual host now"),
        ("amqps://ada:new@one,two/v", "has other hosts, amqps for amqp now"),
        ("amqp://ada:new@one/w", "has other hosts, another virtual host now"),
    ])
    func anotherBrokerIsForTheNextStart(url: String, said: String) throws {
        let named = try Named()
        defer { named.remove() }
        try write("amqp://ada:old@one,two/v", named.url)
        let broker = try broker(["SALVAGE_BROKER_URL_FILE": named.url.path])
        try write(url, named.url)
        let renewal = try #require(broker.renewal?())
        #expect(words(renewal.login) == "ada new")
        #expect(renewal.remark?.hasPrefix("SALVAGE_BROKER_URL_FILE \(said)") == true, "\(renewal.remark ?? "")")
        #expect(renewal.remark?.contains("restart") == true && renewal.remark?.contains("new@") == false)
    }

    @Test(arguments: ["", "amqp://ada:canary@", "canary"])
    func aFileThatCannotBeReadLeavesWhatWasKnownAndIsNamed(url: String) throws {
        let named = try Named()
        defer { named.remove() }
        try write("amqp://ada:old@one/v", named.url)
        let broker = try broker(["SALVAGE_BROKER_URL_FILE": named.url.path])
        try write(url, named.url)
        let renewal = try #require(broker.renewal?())
        #expect(renewal.login == nil && renewal.remark?.hasPrefix("SALVAGE_BROKER_URL") == true, "\(renewal.remark ?? "")")
        #expect(renewal.remark?.contains("canary") == false)
    }

    /// A URL with a user alone would let nobody in by the password that RabbitMQ's guest has.
    @Test func aPasswordFileThatIsGoneLeavesWhatWasKnown() throws {
        let named = try Named()
        defer { named.remove() }
        try write("amqp://ada@one/v", named.url)
        try write("old\n", named.password)
        let broker = try broker(["SALVAGE_BROKER_URL_FILE": named.url.path, "SALVAGE_BROKER_PASSWORD_FILE": named.password.path])
        try write("new\n", named.password)
        #expect(words(broker.renewal?().login) == "ada new")
        try FileManager.default.removeItem(at: named.password)
        let renewal = try #require(broker.renewal?())
        #expect(renewal.login == nil && renewal.remark?.hasPrefix("SALVAGE_BROKER_PASSWORD_FILE: ") == true, "\(renewal.remark ?? "")")
    }

    /// As at the start, the password of its own goes before the URL's.
    @Test func aPasswordInAVariableGoesBeforeTheFilesAtEachConnect() throws {
        let named = try Named()
        defer { named.remove() }
        try write("amqp://ada:old@one/v", named.url)
        let broker = try broker(["SALVAGE_BROKER_URL_FILE": named.url.path, "SALVAGE_BROKER_PASSWORD": "given"])
        #expect(words(broker.login) == "ada given" && words(broker.renewal?().login) == "ada given")
    }
}
