import NIOCore
import NIOPosix
import Testing

@testable import FlexFactor

/// Signing and posting as Standard Webhooks has it.
@Suite struct WebhookSecretTests {
    private static let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// The example that its implementations in other languages are tested by.
    @Test func theSignatureIsTheStandardsOwn() throws {
        let secret = try #require(WebhookSecret(Self.text))
        let signature = secret.signature(
            of: Array(#"{"test": 2432232314}"#.utf8), id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330)
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func aSecretDoesNotPrint() throws {
        let secret = try #require(WebhookSecret(Self.text))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] { #expect(!text.contains("MfKQ") && !text.contains("49")) }
    }

    @Test(arguments: [
        "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_not base64!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + String(repeating: "A", count: 88),
    ])
    func whatIsNoSecretIsNone(text: String) {
        #expect(WebhookSecret(text) == nil)
    }

    @Test(arguments: [
        ("https://example.com", "/", "https://example.com"),
        ("https://example.com/hooks/T0?a=b%20c", "/hooks/T0?a=b%20c", "https://example.com"),
        ("https://example.com:8443/hook/", "/hook/", "https://example.com:8443"),
        ("https://example.com?a=b", "/?a=b", "https://example.com"),
        ("http://127.0.0.1:9000/x", "/x", "http://127.0.0.1:9000"), ("http://[::1]:9000", "/", "http://[::1]:9000"),
    ])
    func anAddressIsSentAsItIsAndPrintsWithoutItsPath(url: String, target: String, shown: String) throws {
        let address = try #require(WebAddress(url))
        #expect(address.target == target && "\(address)" == shown)
    }

    @Test(arguments: [
        "http://example.com/hook", "http://127.0.0.1.example.com/", "ftp://example.com", "https://user:secret@example.com/", "https://",
        "https://example.com/#part", "https://example.com/a b", "https://example.com/\r\nx: y", "example.com",
    ])
    func whatIsNoAddressOrNotSafeIsNone(url: String) {
        #expect(WebAddress(url) == nil)
    }

    @Test func aRedirectIsAnAnswerAndIsNotFollowed() async throws {
        let server = try await ScriptedServer.start { request in
            request.path == "/hook?a=b" && request.header("webhook-id") == "n-1"
                ? .answer("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")
                : ScriptedServer.response(200)
        }
        let address = try #require(WebAddress(server.origin + "/hook?a=b"))
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let posted = await lane.post(Array("{}".utf8), headers: [("webhook-id", "n-1")], to: address, within: .seconds(30))
        #expect(posted == .answered(status: 302, retryAfter: "7"))
        #expect(server.requests.map(\.path) == ["/hook?a=b"])
    }

    /// Nobody's memory is for whatever a receiver sends.
    @Test func anAnswerWithoutEndIsNotRead() async throws {
        let server = try await ScriptedServer.start { _ in
            .answer("HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + String(repeating: "x", count: 9_000_000))
        }
        let address = try #require(WebAddress(server.origin + "/hook"))
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        guard case .failed(let why) = await lane.post(Array("{}".utf8), headers: [], to: address, within: .seconds(30)) else {
            Issue.record("expected a failure")
            return
        }
        #expect(why.contains("larger than"))
    }
}
