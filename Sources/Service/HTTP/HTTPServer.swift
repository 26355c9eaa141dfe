import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// An HTTP port of the process: the one way in which health, webhooks and console are served, with the same limits.
///
/// Strangers reach these ports, and nothing that one of them does or leaves undone may cost a sale: heads, bodies and answers have a time
/// (`ConnectionPatience`), connections a number (`ConnectionRoll`), and descriptors are kept back for the broker and for FlexFactor (`AcceptGate`).
struct HTTPServer<Responder: HTTPResponder>: Service where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    private let application: Application<Responder>
    private let address: ListenAddress

    struct Limits: Sendable {
        var patience = ConnectionPatience.Limits()
        var connections: Int
        /// Descriptors that stay spare.
        var reserve: Int
        var descriptors = Descriptors.ofThisProcess

        /// For a port that only probes and scrapers use; it answers while others do not any more.
        static var health: Limits {
            Limits(
                connections: Descriptors.ofThisProcess.share(16, atLeast: 8, atMost: 64), reserve: min(Descriptors.ofThisProcess.reserve, 8)
            )
        }

        static var open: Limits {
            Limits(connections: Descriptors.ofThisProcess.share(4, atLeast: 16, atMost: 512), reserve: Descriptors.ofThisProcess.reserve)
        }
    }

    init<Builder: HTTPResponderBuilder>(
        _ router: Builder, at address: ListenAddress, limits: Limits, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) where Builder.Responder == Responder {
        self.address = address
        // Requests of probes and scrapers are no news.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let roll = ConnectionRoll(limit: limits.connections)
        let limiter = LogLimiter()
        let report: @Sendable () -> Void = {
            guard let suppressed = limiter.admit("", now: SystemClock().now()) else { return }
            logger.warning(
                "New connections wait: few file descriptors are left, and they are kept for the broker and FlexFactor",
                metadata: [
                    LogKey.host: "\(address.text)", LogKey.count: "\(limits.descriptors.limit)", LogKey.suppressed: "\(suppressed)",
                    LogKey.advice: "Raise the limit of open files (ulimit -n, LimitNOFILE), or find out who holds so many connections.",
                ])
        }
        application = Application(
            router: router,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionGuard(roll: roll, limits: limits.patience)],
                    // Times are the guard's; this one is the net behind it.
                    idleTimeout: limits.patience.idle + limits.patience.body,
                    httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                        maxHeaderFieldSize: 16 * 1_024, maxHeaderListSize: 32 * 1_024, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port), serverName: "salvage"),
            onServerRunning: { channel in
                let descriptors = limits.descriptors
                let reserve = limits.reserve
                try? await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptGate(descriptors, reserve: reserve, onShut: report), position: .first)
                }.get()
                onListening(channel.localAddress?.port ?? address.port)
            }, logger: quiet)
    }

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw CannotListen(address, error)
        }
    }
}
