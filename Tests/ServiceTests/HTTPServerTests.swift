import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Service

/// A port of ours against peers that do not do as they should.
@Suite(.timeLimit(.minutes(2))) struct HTTPServerTests {
    private static let quick = ConnectionPatience.Limits(
        head: .milliseconds(400), idle: .milliseconds(800), body: .milliseconds(600), answer: .seconds(5))

    /// Answers `GET /` with "here", and `POST /` with the number of bytes it was sent.
    private static var plain: Router<BasicRequestContext> {
        let router = Router()
        router.get("/") { _, _ in "here" }
        router.post("/") { request, _ in "\(try await request.body.collect(upTo: 1_000).readableBytes)" }
        return router
    }

    /// Runs a server.
    private func withServer(
        _ patience: ConnectionPatience.Limits = .init(), connections: Int = 100,
        descriptors: Descriptors = Descriptors(limit: 1_000) { 10 }, reserve: Int = 100, routes: Router<BasicRequestContext> = plain,
        _ body: (Int) async throws -> Void
    ) async throws {
        let port = Mutex(0)
        let (listening, isListening) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = HTTPServer(
            routes, at: ListenAddress(("127.0.0.1", 0), setting: "SALVAGE_TEST"),
            limits: .init(patience: patience, connections: connections, reserve: reserve, descriptors: descriptors), logger: logger
        ) { isListening.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        let running = Task { try await group.run() }
        for await bound in listening {
            port.withLock { $0 = bound }
            break
        }
        do {
            try await body(port.withLock { $0 })
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = await running.result
    }

    /// A connection, what came on it, and whether the other side has closed it.
    private final class Peer: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let state = Mutex<(text: String, isClosed: Bool, channel: (any Channel)?)>(("", false, nil))

        static func connect(_ port: Int) async throws -> Peer {
            let peer = Peer()
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in channel.pipeline.addHandler(peer) }
                .connect(host: "127.0.0.1", port: port).get()
            peer.state.withLock { $0.channel = channel }
            return peer
        }

        func send(_ text: String) {
            let channel = state.withLock { $0.channel }
            channel?.writeAndFlush(ByteBuffer(string: text), promise: nil)
        }

        func close() { state.withLock { $0.channel }?.close(promise: nil) }

        var text: String { state.withLock { $0.text } }
        var isClosed: Bool { state.withLock { $0.isClosed } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            state.withLock { $0.text += text }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    /// What a server says to a request with this method and path, the connection being closed behind it.
    private func answer(_ request: String, _ port: Int) async throws -> String {
        let peer = try await Peer.connect(port)
        peer.send("\(request) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        try await eventually("it is answered") { peer.isClosed }
        return peer.text
    }

    /// A prober that reads to the end of the connection must not wait for its own patience.
    @Test(arguments: [
        "HTTP/1.0\r\n", "HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n", "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
    ])
    func whoeverWantsNoMoreIsAnsweredAndLetGo(head: String) async throws {
        let long = ConnectionPatience.Limits(head: .minutes(60), idle: .minutes(60), body: .minutes(60), answer: .minutes(60))
        try await withServer(long) { port in
            let peer = try await Peer.connect(port)
            peer.send("GET / \(head)\r\n")
            try await eventually("it is closed") { peer.isClosed }
            #expect(peer.text.contains("here"))
        }
    }

    @Test func theHealthPagesAreAskedByHeadAndByNothingElse() async throws {
        try await withServer(routes: HealthFront(health: Health(), lanes: []) { "salvage_up 1\n" }.router) { port in
            #expect(try await answer("GET /metrics", port).hasSuffix("salvage_up 1\n"))
            for path in ["/livez", "/metrics"] {
                let head = try await answer("HEAD \(path)", port)
                #expect(head.hasPrefix("HTTP/1.1 200") && head.hasSuffix("\r\n\r\n"), "\(head)")
            }
            #expect(try await answer("HEAD /readyz", port).hasPrefix("HTTP/1.1 503"), "nothing is in order yet")
            for method in ["POST", "DELETE", "OPTIONS"] {
                let refused = try await answer("\(method) /livez", port)
                #expect(refused.hasPrefix("HTTP/1.1 405") && refused.lowercased().contains("allow: get, head\r\n"), "\(refused)")
            }
            for method in ["GET", "HEAD", "POST"] { #expect(try await answer("\(method) /nothing", port).hasPrefix("HTTP/1.1 404")) }
        }
    }

    @Test func aPathThatTakesAnotherMethodSaysWhich() async throws {
        let router = Router()
        router.post("webhooks/:merchant/:gateway") { _, _ in "taken" }
        router.refuseOthers(at: "webhooks/:merchant/:gateway", than: [.post])
        try await withServer(routes: router) { port in
            #expect(try await answer("POST /webhooks/acme/42", port).hasPrefix("HTTP/1.1 200"))
            for method in ["GET", "HEAD", "PUT"] {
                let refused = try await answer("\(method) /webhooks/acme/42", port)
                #expect(refused.hasPrefix("HTTP/1.1 405") && refused.lowercased().contains("allow: post\r\n"), "\(refused)")
            }
        }
    }

    @Test func whoSaysNothingOrHalfAHeadIsClosed() async throws {
        try await withServer(Self.quick) { port in
            let silent = try await Peer.connect(port)
            let half = try await Peer.connect(port)
            half.send("POST / HTTP/1.1\r\nHost: x\r\n")
            // Header after header: none of them buys time.
            let trickling = try await Peer.connect(port)
            trickling.send("GET / HTTP/1.1\r\n")
            var number = 0
            try await eventually("all three are closed") {
                number += 1
                if !trickling.isClosed { trickling.send("x-\(number): y\r\n") }
                return silent.isClosed && half.isClosed && trickling.isClosed
            }
        }
    }

    @Test func aBodyThatTricklesIsBrokenOff() async throws {
        try await withServer(Self.quick) { port in
            let peer = try await Peer.connect(port)
            peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n")
            try await eventually("it is closed") {
                if !peer.isClosed { peer.send("x") }
                return peer.isClosed
            }
            #expect(!peer.text.contains("200"))
        }
    }

    @Test func aConnectionRestsBetweenRequestsAndThenGoes() async throws {
        // The machine may be slow, and this peer with it.
        try await withServer(.init(head: .seconds(60), idle: .seconds(5), body: .seconds(60), answer: .seconds(60))) { port in
            let peer = try await Peer.connect(port)
            peer.send(Self.get)
            try await eventually("it is answered") { peer.text.contains("here") }
            peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            try await eventually("it is answered again") { peer.text.hasSuffix("3") }
            try await eventually("it is closed") { peer.isClosed }
        }
    }

    @Test func tooManyMakeRoomByTheOneThatWaitsLongest() async throws {
        try await withServer(.init(), connections: 10) { port in
            var held: [Peer] = []
            for _ in 0..<10 {
                let peer = try await Peer.connect(port)
                held.append(peer)
                // In this order: each has been answered, and waited for since, before the next comes.
                peer.send(Self.get)
                try await eventually("it is answered") { peer.text.contains("here") }
                peer.send("POST / HTTP/1.1\r\n")
            }
            for _ in 0..<3 {
                let asking = try await Peer.connect(port)
                asking.send(Self.get)
                try await eventually("whoever asks is answered") { asking.text.contains("here") }
                asking.close()
            }
            try await eventually("one that held a place is closed") { held.contains { $0.isClosed } }
            #expect(held.last?.isClosed == false)
        }
    }

    /// A client that waits to be asked for its body would wait until its own patience ends.
    @Test(arguments: ["100-continue", "100-Continue"]) func aBodyThatWaitsIsAskedFor(expectation: String) async throws {
        try await withServer { port in
            let peer = try await Peer.connect(port)
            for times in 1...2 {
                peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: \(expectation)\r\n\r\n")
                func asked() -> Int { peer.text.ranges(of: "HTTP/1.1 100 Continue\r\n\r\n").count }
                try await eventually("it is asked for") { asked() == times }
                peer.send("abc")
                try await eventually("it is answered") { peer.text.hasSuffix("\r\n\r\n3") }
            }
        }
    }

    @Test(arguments: ["Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n", "host: a\r\nx: y\r\nHOST: b\r\n"])
    func twoHostsAreNone(hosts: String) async throws {
        try await withServer { port in
            let peer = try await Peer.connect(port)
            peer.send("GET / HTTP/1.1\r\n\(hosts)\r\n")
            try await eventually("it is refused and closed") { peer.text.hasPrefix("HTTP/1.1 400") && peer.isClosed }
            #expect(!peer.text.contains("here"))
        }
    }

    @Test func aHeadOfAnySizeIsRefused() async throws {
        try await withServer { port in
            let peer = try await Peer.connect(port)
            peer.send("GET / HTTP/1.1\r\nHost: x\r\nx: " + String(repeating: "y", count: 100_000) + "\r\n\r\n")
            try await eventually("it is closed") { peer.isClosed }
            #expect(!peer.text.contains("here"))
        }
    }

    @Test func whileDescriptorsAreFewConnectionsWaitAndAreServedAfterwards() async throws {
        let open = Mutex((count: 10, looks: 0))
        let descriptors = Descriptors(limit: 100) {
            open.withLock { open in
                open.looks += 1
                return open.count
            }
        }
        /// Until the port has counted so many times more: it counts before it takes a connection, and while some have to wait.
        func looks(_ count: Int) async throws {
            let before = open.withLock { $0.looks }
            try await eventually("the port looks again") { open.withLock { $0.looks } >= before + count }
        }
        try await withServer(.init(), descriptors: descriptors, reserve: 25) { port in
            let before = try await Peer.connect(port)
            before.send(Self.get)
            try await eventually("it is answered") { before.text.contains("here") }
            var waiting: [Peer] = []
            func connect() async throws {
                let peer = try await Peer.connect(port)
                peer.send(Self.get)
                waiting.append(peer)
            }
            let before80 = open.withLock { open in
                open.count = 80
                return open.looks
            }
            // A count is good for a while: whoever connects meanwhile still comes in.
            try await eventually("the port has counted anew") {
                try await connect()
                return open.withLock { $0.looks } > before80
            }
            let late = waiting.count
            for _ in 0..<8 { try await connect() }
            try await looks(3)
            #expect(!waiting[late...].contains { !$0.text.isEmpty })
            open.withLock { $0.count = 10 }
            try await eventually("all are answered") { waiting.allSatisfy { $0.text.contains("here") } }
        }
    }

    @Test func aPortThatIsTakenIsNamedWithItsSetting() async throws {
        // Below the ephemeral range: once it is free again no connection of another test must get it.
        var found: (channel: any Channel, port: Int)?
        for port in (31_000..<31_200).shuffled() where found == nil {
            found = (try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: port).get())
                .map { ($0, port) }
        }
        let (taken, port) = try #require(found)
        let address = ListenAddress(("127.0.0.1", port), setting: "SALVAGE_WEBHOOKS_LISTEN")
        let error = await #expect(throws: CannotListen.self) { try await ListenAddress.check([address]) }
        #expect(error?.description.contains("127.0.0.1:\(port)") == true && error?.description.contains("SALVAGE_WEBHOOKS_LISTEN") == true)
        try await taken.close()
        try await ListenAddress.check([address])
        let twice = await #expect(throws: CannotListen.self) {
            try await ListenAddress.check([ListenAddress(("127.0.0.1", port), setting: "SALVAGE_LISTEN"), address])
        }
        #expect(twice?.description.contains("SALVAGE_LISTEN names the same port") == true)
        let nowhere = await #expect(throws: CannotListen.self) {
            try await ListenAddress.check([ListenAddress(("203.0.113.9", 0), setting: "SALVAGE_LISTEN")])
        }
        #expect(nowhere?.description.contains("no address of this machine") == true)
    }

    @Test func whoConnectsWhileAPortIsOnlyTriedIsTurnedAway() async throws {
        let held = try await ListenAddress(("127.0.0.1", 0), setting: "SALVAGE_LISTEN").hold()
        let early = try await Peer.connect(held.localAddress?.port ?? 0)
        try await held.close()
        try await eventually("the connection ends") { early.isClosed }
    }

    @Test func descriptorsAreCounted() throws {
        let descriptors = Descriptors.ofThisProcess
        #expect(descriptors.limit > 0 && descriptors.spare() < descriptors.limit && descriptors.spare() > 0)
        #expect(Descriptors(limit: 128) { 120 }.reserve == 32 && Descriptors(limit: 128) { nil }.spare() == 0)
        #expect(Descriptors(limit: 1 << 20) { 0 }.reserve == 512)
    }
}
