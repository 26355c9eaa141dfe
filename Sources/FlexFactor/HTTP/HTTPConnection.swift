import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// Whoever asked, and hears once what became of it.
protocol HTTPWaiting: AnyObject {
    func end(_ outcome: HTTPOutcome)
}

/// One connection, which carries one request at a time.
///
/// An answer has no mark of its request but its place: it is the next on the connection. So one on which anything stands or comes that was
/// not asked for is never used again; all its later answers could be those of the calls before.
///
/// Lives on its lane's event loop.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Responses vary in size, as FlexFactor says; a larger one is nothing it sends.
    static let bodyLimit = 8 << 20

    private let authority: String
    /// As the certificate has to name it.
    private let host: String
    private let buffer: RequestBuffer
    private let onFree: (HTTPConnection) -> Void
    private let onGone: (HTTPConnection) -> Void
    private var channel: (any Channel)?
    private var exchange: Exchange?
    /// Told once: whether the connection stands, TLS and all. Only then a request is given to it, so that a request that TLS never let
    /// through counts as not sent.
    private var onStanding: ((Result<Void, any Error>) -> Void)?
    /// When it became idle.
    var idleSince = NIODeadline.now()
    /// Nothing more is sent on it. With TLS it is active for a while yet when it was closed.
    private var isRetired = false
    /// Its answer is complete; it is free when all that was read with it has been looked at.
    private var isAnswered = false
    /// From the first answer on; what comes before may be part of TLS alone.
    private var descriptor: CInt?

    private struct Exchange {
        let waiting: any HTTPWaiting
        var head: HTTPResponseHead?
        var body: [UInt8] = []
    }

    init(
        authority: String, host: String, buffer: RequestBuffer, onFree: @escaping (HTTPConnection) -> Void,
        onGone: @escaping (HTTPConnection) -> Void
    ) {
        self.authority = authority
        self.host = host
        self.buffer = buffer
        self.onFree = onFree
        self.onGone = onGone
    }

    var isUsable: Bool { channel?.isActive == true && exchange == nil && onStanding == nil && !isRetired }

    /// Waits for the handshake; must be called before the channel becomes active.
    func awaitHandshake(_ onStanding: @escaping (Result<Void, any Error>) -> Void) { self.onStanding = onStanding }

    private func stands(_ result: Result<Void, any Error>) {
        guard let told = onStanding else { return }
        onStanding = nil
        told(result)
    }

    /// Writes a request. `false`, and nothing written, when the connection is gone already, or holds what is no answer to it.
    func send(_ request: HTTPRequest, for waiting: any HTTPWaiting) -> Bool {
        guard isUsable, let channel else { return false }
        if hasInput {
            close()
            return false
        }
        // From here on the request counts as written: a failed write does not prove that nothing left.
        exchange = Exchange(waiting: waiting)
        channel.write(request.method.announcement, promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.body(.byteBuffer(buffer.bytes(of: request, to: authority))), promise: nil)
        return true
    }

    func close() {
        isRetired = true
        channel?.close(promise: nil)
    }

    /// What it answered belongs to another call. Whatever waits for its next answer would get the one before.
    func disown() {
        end(.unknown(.connectionLost("an answer on the connection was another call's")))
        close()
    }

    /// Whether the socket has something to be read, its end included, that the loop has not come to yet.
    private var hasInput: Bool {
        guard let descriptor else { return false }
        var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&look, 1, 0) > 0
    }

    /// Nobody waits for the answer any more; it must not be taken for the next one's.
    func abandon() {
        exchange = nil
        close()
    }

    func abandonUnlessStanding() {
        if onStanding != nil { close() }
    }

    private func end(_ outcome: HTTPOutcome) {
        guard let finished = exchange else { return }
        exchange = nil
        finished.waiting.end(outcome)
    }

    func handlerAdded(context: ChannelHandlerContext) { channel = context.channel }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard exchange != nil else {
            // An answer that nobody asked for.
            close()
            return
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if (100..<200).contains(head.status.code) { return }
            exchange?.head = head
        case .body(let part):
            guard (exchange?.body.count ?? 0) + part.readableBytes <= Self.bodyLimit else {
                end(.unknown(.tooLarge))
                close()
                return
            }
            exchange?.body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let finished = exchange, let head = finished.head else { return }
            let response = HTTPResponse(
                status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after"),
                body: HTTPResponse.unpacked(finished.body, head.headers.first(name: "content-encoding")),
                connection: NIOLoopBound(self, eventLoop: context.eventLoop))
            end(.answered(response))
            if head.isKeepAlive, context.channel.isActive { isAnswered = true } else { close() }
        }
    }

    /// What stood in the socket behind the answer would have come by now.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isAnswered {
            isAnswered = false
            if descriptor == nil { descriptor = Self.descriptor(of: context.channel) }
            if isUsable {
                idleSince = .now()
                onFree(self)
            }
        }
        context.fireChannelReadComplete()
    }

    private static func descriptor(of channel: any Channel) -> CInt? {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { $0 }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            if let certificate, let complaint = TLSFailure.complaint(about: certificate, host: host) {
                stands(.failure(complaint))
                context.close(promise: nil)
            } else {
                stands(.success(()))
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stands(.failure(TLSFailure(ChannelError.eof, certificate: nil, host: host)))
        end(.unknown(.connectionLost("the connection was closed before the answer was complete")))
        onGone(self)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if onStanding != nil {
            stands(.failure(TLSFailure(error, certificate: try? context.pipeline.syncOperations.nioSSL_peerCertificate(), host: host)))
        }
        end(.unknown(.connectionLost(String(describing: type(of: error)))))
        close()
    }
}
