import DeclineRecovery
import FlexFactor
import Logging

/// Tells logs and metrics how the calls to FlexFactor went.
struct CallReport: Sendable {
    let metrics: ServiceMetrics
    let clock: SystemClock
    let logger: Logger
    private let limiter = LogLimiter()

    func made(_ call: FlexFactorClient.Observation, _ key: GatewayKey) {
        metrics.record(call, key)
        guard let failure = call.failure,
            let suppressed = limiter.admit("\(key.merchant)/\(key.gateway)/\(call.call)/\(call.outcome)", now: clock.now())
        else { return }
        logger.warning(
            "A call to FlexFactor failed",
            metadata: [
                LogKey.merchant: "\(key.merchant)", LogKey.gateway: "\(key.gateway)", LogKey.call: "\(call.call)",
                LogKey.error: "\(failure)",
                LogKey.advice: "\(failure.advice)", LogKey.suppressed: "\(suppressed)",
            ])
    }
}
