import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A server that does exactly what a test tells it to, down to the byte at which it hangs up.
final class ScriptedServer: Sendable {
    /// What the server does when it has read this much of the next request.
    enum Act: Sendable {
        case answer(String)
        case bytes([UInt8])
        case answerAndClose(String)
        case close
        case reset
        case silence
    }

    struct Request: Sendable {
        let head: String
        let body: String
        var path: String { String(head.split(separator: " ")[1]) }

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }
                .map { String($0.dropFirst(name.count + 1)).trimmingCharacters(in: .whitespaces) }
        }
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var bytesRead = 0
        var act: @Sendable (Request) -> Act
        /// Acts as soon as this many bytes of a connection have been read, whatever they are.
        var cut: (bytes: Int, act: Act)?
    }

    private let state: Mutex<State>
    private let channel: any Channel

    private init(_ channel: any Channel, _ state: sending State) {
        self.channel = channel
        self.state = Mutex(state)
    }

    private final class Box: Sendable {
        let server = Mutex<ScriptedServer?>(nil)
    }

    /// - Parameter cut: acts once so many bytes have come; 0 acts at once on every connection.
    static func start(cut: (bytes: Int, act: Act)? = nil, _ act: @escaping @Sendable (Request) -> Act) async throws -> ScriptedServer {
        let box = Box()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let server = box.server.withLock({ $0 }) else { return }
                    try channel.pipeline.syncOperations.addHandler(Reader(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(channel, State(act: act, cut: cut))
        box.server.withLock { $0 = server }
        return server
    }

    var origin: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [Request] { state.withLock { $0.requests } }
    var bytesRead: Int { state.withLock { $0.bytesRead } }
    var connections: Int { state.withLock { $0.connections } }
    func stop() async throws { try await channel.close() }
    func script(_ act: @escaping @Sendable (Request) -> Act) { state.withLock { $0.act = act } }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let server: ScriptedServer
        private var buffer: [UInt8] = []
        private var isCut = false

        init(_ server: ScriptedServer) {
            self.server = server
        }

        func channelActive(context: ChannelHandlerContext) {
            server.state.withLock { $0.connections += 1 }
            if let cut = server.state.withLock({ $0.cut }), cut.bytes == 0 { perform(cut.act, context.channel) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            buffer += bytes
            server.state.withLock { $0.bytesRead += bytes.count }
            if isCut { return }
            if let cut = server.state.withLock({ $0.cut }), buffer.count >= cut.bytes {
                isCut = true
                return perform(cut.act, context.channel)
            }
            while let request = takeRequest() {
                let act = server.state.withLock { state in
                    state.requests.append(request)
                    return state.act
                }
                perform(act(request), context.channel)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func takeRequest() -> Request? {
            let text = String(decoding: buffer, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { return nil }
            let head = String(text[..<end.lowerBound])
            let length = Request(head: head, body: "").header("content-length").flatMap(Int.init) ?? 0
            let headLength = head.utf8.count + 4
            guard buffer.count >= headLength + length else { return nil }
            let body = String(decoding: buffer[headLength..<headLength + length], as: UTF8.self)
            buffer.removeFirst(headLength + length)
            return Request(head: head, body: body)
        }

        private func perform(_ act: Act, _ channel: any Channel) {
            switch act {
            case .answer(let text): channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
            case .bytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            case .answerAndClose(let text):
                channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
            case .close: channel.close(promise: nil)
            case .reset:
                if let socket = channel as? any SocketOptionProvider {
                    socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
                }
            case .silence: break
            }
        }
    }

    /// A whole answer.
    static func response(_ status: Int, _ body: String = "", type: String = "application/json", headers: String = "") -> Act {
        .answer("HTTP/1.1 \(status) X\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }
}
