import DeclineRecovery
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reads the configuration and the keys for encrypted cards again on SIGHUP, and when a file of them or of secrets or authorities that are named
/// there has changed. What is faulty changes nothing and says so (behaviour.md §2).
struct ConfigurationReloader: Service {
    let file: String
    let store: ConfigurationStore
    let cards: CardKeyRing
    let metrics: ReloadMetrics
    let logger: Logger
    /// How often the files are looked at; `nil` for never.
    let watch: Duration?
    /// Where the open recoveries are known.
    let claims: ClaimTail?
    let isForWebhooks: Bool
    /// Who else has to know of a new configuration.
    let onApplied: @Sendable () -> Void
    private let turn = Turn()

    /// One reload at a time: who read first must not be the one who sets last.
    private final class Turn: Sendable {
        /// The files of secrets and authorities that a configuration asks for which was refused. To a pod it may come before them.
        let wanted = Mutex<[String]>([])
    }

    init(
        file: String, store: ConfigurationStore, cards: CardKeyRing, metrics: ReloadMetrics, logger: Logger, watch: Duration?,
        claims: ClaimTail? = nil, isForWebhooks: Bool = false, onApplied: @escaping @Sendable () -> Void = {}
    ) {
        self.file = file
        self.store = store
        self.cards = cards
        self.metrics = metrics
        self.logger = logger
        self.watch = watch
        self.claims = claims
        self.isForWebhooks = isForWebhooks
        self.onApplied = onApplied
    }

    func run() async throws {
        await withTaskGroup { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { reload() }
            }
            if let watch {
                group.addTask { try? await cancelWhenGracefulShutdown { try await follow(every: watch) } }
            }
        }
    }

    /// Takes a change when it has stood for one look: a file that is still being written is not one.
    func follow(every span: Duration) async throws {
        var taken = states
        var last = taken
        while true {
            try await Task.sleep(for: span)
            let now = states
            if now != taken, now == last {
                // As they were before they are read: what changes meanwhile is a change. Other files of secrets than before are one, too.
                taken = now
                reload()
            }
            last = now
        }
    }

    private var states: [String: FileState?] {
        let files = [file] + store.secretFiles + turn.wanted.withLock { $0 } + cards.files
        return Dictionary(files.map { ($0, FileState(of: $0)) }, uniquingKeysWith: { first, _ in first })
    }

    private func reload() { turn.wanted.withLock { $0 = read() } }

    /// - Returns: the files of secrets that it asks for, where it is refused.
    private func read() -> [String] {
        do {
            let configuration = try SalvageConfiguration(file: file, isForWebhooks: isForWebhooks)
            let keys = try cards.readAgain()
            cards.replace(with: keys)
            store.replace(with: configuration)
            onApplied()
            metrics.note(isApplied: true)
            logger.info("Configuration reloaded", metadata: [LogKey.file: "\(file)", LogKey.count: "\(configuration.merchants.count)"])
            claims?.warn(of: store, logger)
            return []
        } catch {
            metrics.note(isApplied: false)
            logger.error("The new configuration is refused; the old one stays in force", metadata: [LogKey.error: "\(error)"])
            return (error as? ConfigurationError)?.secretFiles ?? []
        }
    }
}

extension ClaimTail {
    /// Says which open recoveries the configuration cuts off from their orders: they wait, and nothing is told of them.
    func warn(of store: ConfigurationStore, _ logger: Logger) {
        for stranded in stranded(by: { store.merchant($0) }) {
            logger.warning(
                "Open recoveries have lost their gateway",
                metadata: [
                    LogKey.merchant: "\(stranded.gateway.merchantID)", LogKey.gateway: "\(stranded.gateway.id)",
                    LogKey.count: "\(stranded.count)",
                    LogKey.advice: "\(stranded)",
                ])
        }
    }
}
