import Broker
import DeclineRecovery
import Logging

/// Waits until the topology is there that a process needs. It has no right to declare it (messages.md), and nothing to do with what it has no
/// right to, which newer brokers do not let it look at.
struct TopologyWait {
    let link: BrokerLink
    let role: BrokerRole
    let names: TopologyNames
    let logger: Logger
    /// Of what the role reads that which this process goes on without.
    var unread: Set<String> = []

    /// - Parameter onFault: told at each look what is wrong, and whether the exchange is there on which a process says how it is.
    /// - Returns: whether it is there; `false` when the order to stop came first.
    func run(until stop: StopSignal, onFault: (_ why: String, _ maySpeak: Bool) -> Void = { _, _ in }) async -> Bool {
        let rights = BrokerRights(role, names)
        let wanted = Topology(recovery: names, crmInbox: false).requiring(names)
        while !stop.isSet {
            // A broker that is away is spoken of by whoever watches the connection.
            while !link.isConnected, !stop.isSet { await stop.wait(atMost: .milliseconds(50)) }
            do throws(BrokerError) {
                // Whoever may not say what he has done must not begin. Under an alarm nobody knows, and nothing is said either.
                let differences = try await rights.differences(from: wanted, at: link, isWhole: false).found.filter { difference in
                    if case .lacksRight(.read, _, let name) = difference { !unread.contains(name) } else { true }
                }
                if differences.isEmpty { return true }
                let missing = differences.map(rights.explain).joined(separator: "; ")
                let isMute =
                    differences.contains(.missingExchange(names.pulse))
                    || differences.contains(.denied(what: "exchange", name: names.pulse))
                    || differences.contains(.lacksRight(.write, what: "exchange", name: names.pulse))
                onFault(missing, !isMute)
                logger.error(
                    "The topology is not complete",
                    metadata: [
                        LogKey.missing: "\(missing)",
                        LogKey.advice:
                            "Run `salvage topology apply`; `salvage topology check` tells all differences, and `salvage topology print --permissions` which rights a \(role.rawValue) needs.",
                    ])
            } catch {
                onFault(error.description, false)
                logger.warning("The topology cannot be checked", metadata: [LogKey.error: "\(error)", LogKey.advice: "\(error.advice)"])
            }
            await stop.wait(atMost: .seconds(2))
        }
        return false
    }
}
