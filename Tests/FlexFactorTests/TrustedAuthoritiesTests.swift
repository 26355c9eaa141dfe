import NIOCore
import NIOPosix
import Testing

@testable import FlexFactor

/// Whom FlexFactor is believed by, where that is not the system's authorities.
@Suite struct TrustedAuthoritiesTests {
    private static func fault(_ pem: [UInt8]) -> TrustedAuthorities.Fault? {
        do throws(TrustedAuthorities.Fault) {
            _ = try TrustedAuthorities(pem: pem)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["", "nothing", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
    func whatHoldsNoCertificateIsRefused(text: String) {
        #expect(Self.fault(Array(text.utf8)) == .empty)
    }

    /// A copy may break off anywhere, in the first certificate or in a later one.
    @Test func aCertificateThatBreaksOffIsRefused() throws {
        let authority = try TestAuthority()
        let (whole, other) = (try authority.pem("Lab"), try authority.pem("Foreign"))
        #expect(Self.fault(whole) == nil && Self.fault(whole + other) == nil)
        #expect(Self.fault(Array(whole.prefix(500))) == .broken && Self.fault(whole + other.prefix(500)) == .broken)
        #expect(Self.fault(Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)) == .broken)
    }

    /// The process goes on; so does its lane.
    @Test func authoritiesThatWereExchangedAreThoseOfTheNextConnection() async throws {
        let authority = try TestAuthority()
        let (server, port) = try await authority.serve(.init(name: "of another authority", isForeign: true, says: []))
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let origin = try #require(Origin("https://localhost:\(port)"))
        let (old, new) = (try TrustedAuthorities(pem: authority.pem("Lab")), try TrustedAuthorities(pem: authority.pem("Foreign")))
        func ask(_ authorities: TrustedAuthorities) async -> HTTPOutcome {
            await lane.execute(
                HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: [1]), to: origin, authorities: authorities,
                deadline: .now() + .seconds(20))
        }
        // It hangs up as soon as it is spoken to: where nothing is known of the request, TLS stood.
        for (authorities, isTrusted) in [(old, false), (new, true), (old, false), (new, true)] {
            let outcome = await ask(authorities)
            switch outcome {
            case .unknown: #expect(isTrusted, "\(outcome)")
            case .notSent(.cannotConnect(let why)): #expect(!isTrusted && why.contains("authority is unknown"), "\(outcome)")
            default: Issue.record("\(outcome)")
            }
        }
        try await server.close()
    }

    /// A file that is read again and says the same costs nobody a connection; what others vouched for is no connection of ours.
    @Test func connectionsAreSharedByWhoTrustsTheSame() async throws {
        let authority = try TestAuthority()
        let server = try await ScriptedServer.start { _ in ScriptedServer.response(200, "{}") }
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let origin = try #require(Origin(server.origin))
        for (name, connections) in [("Lab", 1), ("Lab", 1), ("Foreign", 2), ("Lab", 2)] {
            let outcome = await lane.execute(
                HTTPRequest(method: .get, path: "/", headers: [], body: []), to: origin,
                authorities: try TrustedAuthorities(pem: authority.pem(name)), deadline: .now() + .seconds(20))
            guard case .answered = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(server.connections == connections)
        }
        try await server.stop()
    }
}
