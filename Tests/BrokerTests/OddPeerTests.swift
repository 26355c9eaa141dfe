import Foundation
import Testing

@testable import Broker

/// Somebody else at the broker's port.
@Suite struct OddPeerTests {
    /// Listens, reads a greeting from the first to connect, says its words, and hangs up.
    private static func peer(saying words: String) throws -> UInt16 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, address, &length) == 0
            }
        }
        try #require(isListening)
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            var greeting = [UInt8](repeating: 0, count: 8)
            _ = read(connection, &greeting, greeting.count)
            _ = write(connection, words, words.utf8.count)
            close(connection)
            close(listener)
        }
        return UInt16(bigEndian: address.sin_port)
    }

    private func error(at port: UInt16) async -> BrokerError? {
        let configuration = BrokerConfiguration(
            hosts: [.init("127.0.0.1", port: port)], login: .plain(user: "a", password: Password("b")))
        return await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "220 mail.example.com ESMTP ready, say what you want\r\n"])
    func whatSpeaksSomethingElseIsNoBrokerThatBrokeTheProtocol(words: String) async throws {
        let error = await error(at: try Self.peer(saying: words))
        guard case .cannotConnect? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(error?.advice.contains("host and port") == true)
    }

    /// As a port does that speaks TLS and is sent none.
    @Test func whoHangsUpBeforeTheGreetingWantsTLSPerhaps() async throws {
        let error = await error(at: try Self.peer(saying: ""))
        guard case .cannotConnect(_, let why)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(why.hasSuffix("before the broker's greeting; if that port speaks TLS, the URL begins with amqps://"), "\(why)")
    }

    @Test func whoeverLacksACertificateIsToldSoInAnyTLS() {
        let refused = BrokerError.connectionLost(why: "TLS failed: tlsv13 alert certificate required").beforeGreeting(of: "h", isTLS: true)
        #expect(refused == .tls(host: "h", why: "TLS failed: tlsv13 alert certificate required"))
        #expect(refused.advice.contains("a client's certificate"))
        let lost = BrokerError.connectionLost(why: "Connection reset by peer").beforeGreeting(of: "h", isTLS: true)
        #expect(lost == .cannotConnect(host: "h", why: "Connection reset by peer before the broker's greeting"))
        #expect(BrokerError.timedOut(what: "the greeting").beforeGreeting(of: "h", isTLS: false) == .timedOut(what: "the greeting"))
    }
}
