import DeclineRecovery
import FlexFactor
import Logging

/// Finds out as a worker begins whether it can call FlexFactor at all, so that `/readyz` says so before a customer waits.
///
/// A pod that cannot make a call (no right, no route, no descriptor, keys that every gateway's FlexFactor refuses) is no pod: it stays
/// unready, and a rollout stops at it while the old ones go on. That FlexFactor is away is another matter. It will come back, declines
/// are answered and retries put away meanwhile, and webhooks must find somebody: such a pod is ready, and only says what it knows.
/// The first token of any gateway settles it for as long as the process lives.
struct ReachProbe {
    let store: ConfigurationStore
    let lane: Lane
    let health: Health
    let logger: Logger

    /// How long nothing is known before that is no reason to be held back any more.
    private static let patience = Duration.seconds(5)

    func run(until stop: StopSignal) async {
        health.isUnwell(.flexFactor, "no gateway has had a token yet: being asked for", for: Self.patience)
        var pause = Duration.seconds(2)
        while !stop.isSet {
            let verdict = await ask()
            switch verdict {
            case nil: return health.isWell(.flexFactor)
            case .cannotCall(let why)?:
                tell("no call can be made at all, no token was ever had", why, for: nil, CallFailure.notSent(.cannotCall(why)).advice)
            case .noToken(let why)?:
                tell("no gateway was ever given a token", why, for: nil, CallFailure.notSent(.noToken(why)).advice)
            case let failure?:
                let failure = CallFailure.notSent(failure)
                tell("FlexFactor is away, no gateway has had a token yet", failure.description, for: .zero, failure.advice)
            }
            await stop.wait(atMost: pause)
            pause = min(pause * 2, .seconds(60))
        }
    }

    private func tell(_ what: String, _ why: String, for patience: Duration?, _ advice: String) {
        health.isUnwell(.flexFactor, "\(what) (\(why)). \(advice)", for: patience)
        logger.error(
            "FlexFactor cannot be called yet", metadata: [LogKey.reason: "\(what)", LogKey.error: "\(why)", LogKey.advice: "\(advice)"])
    }

    /// What keeps every gateway from its first token; `nil` as soon as one has had it. Where only one of them is merely away, that counts.
    private func ask() async -> CallFailure.NotSent? {
        var failures: [CallFailure.NotSent] = []
        for client in store.clients.values {
            switch await client.proveReach(on: lane.http) {
            case .proven: return nil
            case .untried: failures.append(.deadline)
            case .unproven(let failure): failures.append(failure)
            }
        }
        return failures.max { $0.hope < $1.hope }
    }
}

extension CallFailure.NotSent {
    /// How likely it is to pass by itself.
    fileprivate var hope: Int {
        switch self {
        case .cannotCall: 0
        case .noToken, .misconfigured: 1
        case .circuitOpen, .rateLimited, .cannotConnect, .noTokenYet, .deadline: 2
        }
    }
}
