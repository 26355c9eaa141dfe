import DeclineRecovery
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again on SIGHUP. A faulty file changes nothing and says so (behaviour.md §2).
struct ConfigurationReloader: Service {
    let file: String
    let store: ConfigurationStore
    let metrics: ServiceMetrics
    let logger: Logger
    /// Where the open recoveries are known.
    var claims: ClaimTail?

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do throws(ConfigurationError) {
                let configuration = try SalvageConfiguration(file: file)
                store.replace(with: configuration)
                metrics.know(store.merchants)
                metrics.reloads.add(1, "applied")
                logger.info("Configuration reloaded", metadata: [LogKey.file: "\(file)", LogKey.count: "\(configuration.merchants.count)"])
                claims?.warn(of: store, logger)
            } catch {
                metrics.reloads.add(1, "refused")
                logger.error("The new configuration is refused; the old one stays in force", metadata: [LogKey.error: "\(error)"])
            }
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
