import Testing

@testable import FlexFactor

/// Keys travel to an origin: without TLS it must be this machine, by its address.
@Suite struct OriginTests {
    @Test(arguments: [
        "http://127.0.0.1:8080", "http://127.1.2.3", "http://localhost:9", "http://LOCALHOST/v1", "http://[::1]:8080/x/",
        "http://127.0.0.255",
    ])
    func plainHTTPGoesToThisMachine(url: String) {
        #expect(Origin(url)?.isSecure == false)
    }

    @Test(arguments: [
        "http://127.0.0.1.evil.example", "http://127.0.0.1.nip.io:80", "http://127.evil.example", "http://127.0.0.1evil", "http://127.1",
        "http://127.0.1", "http://127.0.0.256",
        "http://127.0.0.01", "http://127.0.0.0x1", "http://128.0.0.1", "http://0.0.0.0", "http://localhost.evil.example",
        "http://localhost.", "http://xlocalhost", "http://[::2]",
        "http://[::ffff:127.0.0.1]", "http://127.0.0.1@evil.example", "http://evil.example#127.0.0.1",
        "http://127.0.0.1\u{3002}evil.example", "http://api.flexfactor.io",
        "http://127.0.0.-1", "http://127.0.0.+1", "http://127..0.1", "ftp://127.0.0.1", "http://", "https://exa mple",
        "https://b\u{00FC}cher.example", "https://a\\b",
    ])
    func nowhereElse(url: String) {
        #expect(Origin(url) == nil)
    }

    /// It is part of each request's first line.
    @Test(arguments: ["\n", "\r\n", "/a\r\nx-forged:1", "/a\tb", "/a b", "/\u{0}", "/\u{7F}", "/\u{FC}"])
    func aPathEndsNoLine(end: String) {
        #expect(Origin("https://api.flexfactor.io/v1" + end) == nil)
        #expect(Origin("http://collector:4318/v1" + end, allowsPlain: true) == nil)
    }

    @Test func anythingMayBeSecure() {
        #expect(Origin("https://127.0.0.1.evil.example/v2")?.authority == "127.0.0.1.evil.example")
        #expect(Origin("https://api.flexfactor.io")?.basePath == "/v1")
    }
}
