import Foundation
import NIOCore
import NIOPosix
import NIOSSL
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
        let authority = try Authority()
        let (server, port) = try await authority.serve(example)
        let outcome = await ask(port, authority.file)
        guard case .notSent(.cannotConnect(let why)) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        for part in example.says { #expect(why.contains(part), "\(why)") }
        for part in ["/Sources/", "checkouts", ".cc", "BoringSSL", "NIOSSL"] { #expect(!why.contains(part), "\(why)") }
        try await server.close()
    }

    @Test func aCertificateThatIsInOrderIsBelieved() async throws {
        let authority = try Authority()
        let (server, port) = try await authority.serve(Case(name: "in order", says: []))
        // It hangs up as soon as it is spoken to: the request was given out, so TLS stood.
        guard case .unknown = await ask(port, authority.file) else {
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

    @Test func anAuthorityFileThatHoldsNoneIsNamed() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "no-authority-\(UUID().uuidString).pem")
        try Data("nothing".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try await ScriptedServer.start { _ in .close }
        guard case .notSent(.cannotCall(let why)) = await ask(Int(server.origin.split(separator: ":").last!)!, file.path) else {
            Issue.record("it was sent")
            return
        }
        #expect(why.contains(file.path), "\(why)")
    }

    private func ask(_ port: Int, _ authorityFile: String?) async -> HTTPOutcome {
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        return await lane.execute(
            HTTPRequest(method: .post, path: "/v1/evaluate", headers: [], body: [1]), to: Origin("https://localhost:\(port)")!,
            authorityFile: authorityFile,
            deadline: .now() + .seconds(20))
    }

    /// Authorities and certificates of one test.
    private final class Authority {
        private let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for name in ["Lab", "Foreign"] {
                try openssl(
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-days",
                    "30", "-subj", "/CN=\(name) CA")
            }
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        var file: String { path("Lab.pem") }

        private func path(_ name: String) -> String { folder.appending(path: name).path }

        private func openssl(_ arguments: String...) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments = arguments
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "openssl \(arguments)")
        }

        func serve(_ example: Case) async throws -> (any Channel, port: Int) {
            try Data(example.extensions.utf8).write(to: folder.appending(path: "extensions"))
            try openssl(
                "req", "-newkey", "rsa:2048", "-nodes", "-keyout", path("server.key"), "-out", path("server.csr"), "-subj",
                "/CN=\(example.subject)")
            let signer =
                example.isSelfSigned
                ? ["-signkey", path("server.key")]
                : [
                    "-CA", path((example.isForeign ? "Foreign" : "Lab") + ".pem"), "-CAkey",
                    path((example.isForeign ? "Foreign" : "Lab") + ".key"), "-CAcreateserial",
                ]
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments =
                [
                    "x509", "-req", "-in", path("server.csr"), "-days", "\(example.days)", "-extfile", path("extensions"), "-out",
                    path("server.pem"),
                ] + signer
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            let context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(path("server.pem")).map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: path("server.key"), format: .pem))))
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                        try channel.pipeline.syncOperations.addHandler(HangsUp())
                    }
                }
                .bind(host: "localhost", port: 0).get()
            return (channel, channel.localAddress?.port ?? 0)
        }
    }

    private final class HangsUp: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
