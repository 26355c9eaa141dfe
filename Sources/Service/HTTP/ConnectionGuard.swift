import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection that takes too long, refuses a request that names two hosts, and asks for a body that waits to be asked for.
///
/// Stands behind the HTTP decoder; lives on its connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let roll: ConnectionRoll
    private let limits: ConnectionPatience.Limits
    private var patience: ConnectionPatience?
    private var timer: (task: Scheduled<Void>, at: NIODeadline)?
    private var isRefused = false
    /// Whether the peer has asked for the end of the connection behind its answer, or speaks HTTP/1.0, which names no host and expects it.
    private var endsBehindAnswer = false

    init(roll: ConnectionRoll, limits: ConnectionPatience.Limits) {
        self.roll = roll
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    private func begin(_ context: ChannelHandlerContext) {
        guard patience == nil else { return }
        patience = ConnectionPatience(limits, now: .now())
        roll.enter(context.channel, now: .now())
        arm(context)
    }

    private func end(_ context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        if patience != nil { roll.leave(context.channel) }
        patience = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            let isIdle = patience?.isWaiting ?? false
            patience?.headCame(.now())
            // The first is what the request was sent to; a second one is a way to mean another host to somebody else on the way here.
            if let host = HTTPField.Name("Host"), head.headerFields.contains(host) { return refuse(context) }
            let options = head.headerFields[values: .connection].joined(separator: ",").lowercased().split(separator: ",")
            endsBehindAnswer = head.authority?.isEmpty ?? true || options.contains { $0.filter { $0 != " " && $0 != "\t" } == "close" }
            // RFC 9110, 10.1.1; never into the midst of the answer before.
            if isIdle, head.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end: patience?.requestEnded(.now())
        }
        note(context)
        context.fireChannelRead(data)
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        let text = "two Host headers\n"
        let head = HTTPResponse(
            status: .badRequest,
            headerFields: [.contentType: "text/plain; charset=utf-8", .contentLength: "\(text.utf8.count)", .connection: "close"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(string: text))), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        // The answer counts as given once it was handed to the kernel: a peer that does not read must not hold it for ever.
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.assumeIsolated().whenSuccess {
            let (handler, context) = bound.value
            handler.patience?.answered(.now())
            if handler.endsBehindAnswer, handler.patience?.isWaiting ?? true { return context.close(promise: nil) }
            handler.note(context)
        }
        context.write(data, promise: written)
    }

    private func note(_ context: ChannelHandlerContext) {
        guard let patience else { return }
        roll.update(context.channel, waitingSince: patience.waitingSince)
        arm(context)
    }

    /// One timer, which is set anew only where it would come too late; one that comes too early looks again.
    private func arm(_ context: ChannelHandlerContext) {
        guard let deadline = patience?.deadline else { return }
        if let timer {
            if timer.at <= deadline { return }
            timer.task.cancel()
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let task = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handler, context) = bound.value
            handler.timer = nil
            guard let deadline = handler.patience?.deadline else { return }
            if deadline <= .now() { context.close(promise: nil) } else { handler.arm(context) }
        }
        timer = (task, deadline)
    }
}
