import NIOCore
import NIOPosix
import Testing

@testable import FlexFactor

/// What is said of a FlexFactor whose certificate is not believed: which fault it is, and nothing of where we were built.
@Suite struct TLSFailureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Options of `openssl x509 -req`, and its extensions.
        var days = 30
        var extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        var isSelfSigned = false
        /// Signed by an authority that is not trusted.
        var isForeign = false
        var subject = "localhost"
        let says: [String]
        var testDescription: String { name }
    }

    private static let cases = [
        Case(name: "expired", days: -1, says: ["expired since 20"]),
        Case(name: "unknown authority", isForeign: true, says: ["authority is unknown", "Foreign CA"]),
        Case(name: "self-signed", isSelfSigned: true, says: ["self-signed"]),
        Case(
            name: "another name", extensions: "subjectAltName=DNS:elsewhere.example,DNS:b.example",
            says: ["another name", "elsewhere.example", "not for localhost"]),
        Case(name: "wrong use", extensions: "subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth", says: ["wrong use"]),
        Case(name: "no subjectAltName", extensions: "basicConstraints=CA:FALSE", says: ["no subjectAltName"]),
    ]

    @Test(arguments: cases)
    func theFaultIsNamedAndNothingIsSent(example: Case) async throws {
        let authority = try TestAuthority()
        let (server, port) = try await authority.serve(example)
        let outcome = await ask(port, try TrustedAuthorities(pem: authority.pem("Lab")))
        guard case .notSent(.cannotConnect(let why)) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        for part in example.says { #expect(why.contains(part), "\(why)") }
        for part in ["/Sources/", "checkouts", ".cc", "BoringSSL", "NIOSSL"] { #expect(!why.contains(part), "\(why)") }
        try await server.close()
    }

    @Test func aCertificateThatIsInOrderIsBelieved() async throws {
        let authority = try TestAuthority()
        let (server, port) = try await authority.serve(Case(name: "in order", says: []))
        // It hangs up as soon as it is spoken to: the request was given out, so TLS stood.
        guard case .unknown = await ask(port, try TrustedAuthorities(pem: authority.pem("Lab"))) else {
            Issue.record("the request was not sent")
            return
        }
        try await server.close()
    }

    @Test func whoDoesNotSpeakTLSIsSaidNotTo() async throws {
        let server = try await ScriptedServer.start(cut: (1, .answerAndClose("HTTP/1.1 400 Bad Request\r\n\r\n"))) { _ in .close }
        guard case .notSent(.cannotConnect(let why)) = await ask(Int(server.origin.split(separator: ":").last!)!, nil) else {
            Issue.record("it was sent")
            return
        }
        #expect(why.contains("does not speak TLS") && !why.contains("/"), "\(why)")
    }

    private func ask(_ port: Int, _ authorities: TrustedAuthorities?) async -> HTTPOutcome {
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        return await lane.execute(
            HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: [1]), to: Origin("https://localhost:\(port)")!,
            authorities: authorities, deadline: .now() + .seconds(20))
    }
}
