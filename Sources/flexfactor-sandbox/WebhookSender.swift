import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Sends webhooks as FlexFactor does: POST, text content type, PascalCase envelope, x-fc-* signature; again when nobody says 2xx.
final class WebhookSender: Sendable {
    private let group: any EventLoopGroup
    private let accounts: [Account]
    /// The host that is signed, where it is not the URL's.
    private let signedHost: String?
    private let random: Mutex<SplitMix>

    init(group: any EventLoopGroup, accounts: [Account], signedHost: String?, seed: UInt64) {
        self.group = group
        self.accounts = accounts
        self.signedHost = signedHost
        random = Mutex(SplitMix(state: seed ^ 0x5eed))
    }

    func send(_ webhooks: [World.Webhook], _ faults: Faults) {
        for webhook in webhooks {
            guard let account = accounts.first(where: { $0.mid == webhook.order.mid }), let target = account.webhookUrl.flatMap(Target.init)
            else { continue }
            let (isLost, isDoubled) = random.withLock { random in
                (
                    Double.random(in: 0..<1, using: &random) < faults.webhookLoss,
                    Double.random(in: 0..<1, using: &random) < faults.webhookDouble
                )
            }
            if isLost { continue }
            for copy in 0..<(isDoubled ? 2 : 1) {
                let delay = TimeAmount.nanoseconds(Int64(faults.webhookDelaySeconds * 1e9))
                group.next().scheduleTask(in: delay) { [self] in
                    post(webhook, to: target, key: account.webhookKey, isResent: copy > 0, resends: faults.webhookResends, pause: 1)
                }
            }
        }
    }

    private func post(_ webhook: World.Webhook, to target: Target, key: String?, isResent: Bool, resends: Int, pause: Int64) {
        let body = Data(
            jsonText([
                "Event": webhook.event, "TimeStamp": webhook.at.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
                "EventData": webhook.amount.map {
                    ["Amount": $0, "Currency": webhook.order.currency, "TransactionId": webhook.id] as [String: Any]
                } ?? NSNull(),
                "ExternalOrderId": webhook.order.externalID, "OrderId": webhook.order.id,
                "ConfirmationId": webhook.order.id.prefix(8).uppercased(), "IsTestMode": true, "IsResent": isResent,
            ]).utf8)
        let host = signedHost ?? target.authority
        var headers = HTTPHeaders([
            ("host", target.authority), ("content-type", "text/plain; charset=utf-8"), ("content-length", String(body.count)),
        ])
        if let key = key.flatMap({ Data(base64Encoded: $0) }) {
            let nonce = UUID().uuidString.replacing("-", with: "").lowercased()
            let date = Self.httpDate(Date())
            headers.add(name: "x-fc-nonce", value: nonce)
            headers.add(name: "x-fc-date", value: date)
            headers.add(name: "x-fc-content-sha512", value: Signature.contentHash(body))
            headers.add(
                name: "x-fc-authorization",
                value: Signature.authorization(method: "POST", nonce: nonce, date: date, host: host, body: body, key: key))
            headers.add(name: "x-fc-signature", value: Signature.code(body, key))
        }
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: target.path, headers: headers)
        OneShot.post(head, body, to: target, on: group.next()) { [self] isAccepted in
            if isAccepted || resends == 0 { return }
            group.next().scheduleTask(in: .seconds(pause)) { [self] in
                post(webhook, to: target, key: key, isResent: true, resends: resends - 1, pause: pause * 2)
            }
        }
    }

    private static func httpDate(_ date: Date) -> String {
        date.formatted(
            Date.VerbatimFormatStyle(
                format:
                    "\(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .defaultDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT",
                locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
    }
}

/// Where webhooks go; plain HTTP, for a receiver on this machine.
struct Target: Sendable {
    let host: String
    let port: Int
    let path: String

    init?(_ url: String) {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty else { return nil }
        self.host = host
        port = parts.port ?? 80
        path = parts.path.isEmpty ? "/" : parts.path
    }

    var authority: String { port == 80 ? host : "\(host):\(port)" }
}

/// One request on a connection of its own.
private final class OneShot: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private var done: ((Bool) -> Void)?

    init(_ done: @escaping (Bool) -> Void) {
        self.done = done
    }

    static func post(
        _ head: HTTPRequestHead, _ body: Data, to target: Target, on loop: any EventLoop, _ done: @escaping @Sendable (Bool) -> Void
    ) {
        ClientBootstrap(group: loop)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(OneShot(done))
                }
            }
            .connect(host: target.host, port: target.port)
            .whenComplete { result in
                switch result {
                case .failure: done(false)
                case .success(let channel):
                    channel.eventLoop.scheduleTask(in: .seconds(10)) { channel.close(promise: nil) }
                    channel.write(HTTPClientRequestPart.head(head), promise: nil)
                    channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
                    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
                }
            }
    }

    private func end(_ isAccepted: Bool) {
        done?(isAccepted)
        done = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            end((200..<300).contains(head.status.code))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end(false) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
