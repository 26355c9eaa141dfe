import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// Authorities and certificates of one test.
final class TestAuthority {
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

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    /// The certificate of `Lab` or `Foreign`.
    func pem(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path("\(name).pem")))) }

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

    /// Serves TLS with a certificate of `Lab`'s, or of `Foreign`'s, at `localhost`.
    func serve(_ example: TLSFailureTests.Case) async throws -> (any Channel, port: Int) {
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

/// Takes TLS, and hangs up as soon as it is spoken to.
private final class HangsUp: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
