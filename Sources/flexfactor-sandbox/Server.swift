import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// HTTP around the API: takes requests in whole, answers in the manner the reply wants.
enum Server {
    static func start(_ api: API, host: String, port: Int, group: any EventLoopGroup) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try channel.pipeline.syncOperations.addHandler(ServerConnection(api))
                }
            }
            .bind(host: host, port: port).get()
    }
}

private final class ServerConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let bodyLimit = 4 << 20
    private let api: API
    private var head: HTTPRequestHead?
    private var body = Data()

    init(_ api: API) {
        self.api = api
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = Data()
        case .body(let part):
            if body.count + part.readableBytes > Self.bodyLimit { return context.close(promise: nil) }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            self.head = nil
            answer(request(head), keepAlive: head.isKeepAlive, context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func request(_ head: HTTPRequestHead) -> Incoming {
        let parts = URLComponents(string: head.uri)
        let query = Dictionary((parts?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        return Incoming(
            method: head.method.rawValue, path: parts?.path ?? head.uri, query: query, headers: head.headers.map { ($0.name, $0.value) },
            body: body)
    }

    private func answer(_ request: Incoming, keepAlive: Bool, _ channel: any Channel) {
        switch api.arrived(request) {
        case .conflict:
            Self.write(
                Reply(status: 409, body: jsonText(["title": "A request with this idempotency key is in progress."])), keepAlive: keepAlive,
                channel)
        case .taken(let seconds):
            let api = api
            let work: @Sendable () -> Void = {
                let reply = api.handle(request)
                api.left(request)
                Self.write(reply, keepAlive: keepAlive, channel)
            }
            if seconds > 0 { channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9)), work) } else { work() }
        }
    }

    private static func write(_ reply: Reply, keepAlive: Bool, _ channel: any Channel) {
        switch reply.manner {
        case .whole:
            writeHead(reply, keepAlive: keepAlive, channel)
            if !reply.body.isEmpty { channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: reply.body))), promise: nil) }
            let written = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
            if !keepAlive { written.whenComplete { _ in channel.close(promise: nil) } }
        case .slow:
            writeHead(reply, keepAlive: keepAlive, channel)
            // With its last byte the answer is whole for whoever reads it, and the next request may come on this connection.
            let last = reply.body.utf8.count - 1
            if last < 0 { channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil) }
            for (index, byte) in reply.body.utf8.enumerated() {
                channel.eventLoop.scheduleTask(in: .milliseconds(Int64(100 * index))) {
                    channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: [byte]))), promise: nil)
                    if index == last { channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil) }
                }
            }
        case .truncated:
            writeHead(reply, keepAlive: keepAlive, channel)
            let half = ByteBuffer(bytes: reply.body.utf8.prefix(reply.body.utf8.count / 2))
            channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(half))).whenComplete { _ in channel.close(promise: nil) }
        case .reset: reset(channel)
        case .silence(let seconds):
            channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) { channel.close(promise: nil) }
        }
    }

    private static func writeHead(_ reply: Reply, keepAlive: Bool, _ channel: any Channel) {
        var headers = HTTPHeaders([("content-length", String(reply.body.utf8.count)), ("server", "Kestrel")])
        if !reply.body.isEmpty { headers.add(name: "content-type", value: reply.contentType) }
        for (name, value) in reply.headers { headers.add(name: name, value: value) }
        if !keepAlive { headers.add(name: "connection", value: "close") }
        channel.write(
            HTTPServerResponsePart.head(
                HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)),
            promise: nil)
    }

    /// An end without farewell: with nothing to linger for, the peer gets a reset.
    private static func reset(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
}
