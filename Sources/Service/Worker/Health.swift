import Broker
import Synchronization

/// What `/readyz` answers by.
final class Health: Sendable {
    /// What must be in order, in the order in which it comes about.
    enum Part: String, CaseIterable {
        case configuration, broker, topology
        /// Whether what is claimed can be known. A fault here is for a person to decide.
        case claims
        case consumers
        /// Of a console: whether the letters are read.
        case letters
        /// Whether the broker takes what is published. An alarm is no reason to be held back: no other process could do more under it, webhooks are to
        /// find somebody, and it passes by itself.
        case publishing
        /// Whether calls to FlexFactor can be made at all; not whether FlexFactor is well.
        case flexFactor = "flexfactor"
    }

    /// What cannot be published at the moment.
    let holdings = Holdings()

    private struct Fault {
        let why: String
        /// From then on it is worth telling, but no reason to be held back.
        let lapses: ContinuousClock.Instant?
    }

    /// Until when this worker takes nothing new because somebody has said so: no fault, and no reason to be ended or to get no webhooks.
    private let quietUntil = Mutex<String?>(nil)

    func isQuiet(until end: String?) { quietUntil.withLock { $0 = end } }

    private let faults = Mutex<[Part: Fault]>(
        [
            Part.configuration: "not loaded yet", .broker: "not connected yet", .topology: "not checked yet",
            .consumers: "not subscribed yet",
        ]
        .mapValues { Fault(why: $0, lapses: nil) })

    func isWell(_ part: Part) { faults.withLock { _ = $0.removeValue(forKey: part) } }

    /// - Parameter patience: after which it is only told; for ever when `nil`.
    func isUnwell(_ part: Part, _ why: String, for patience: Duration? = nil) {
        faults.withLock { $0[part] = Fault(why: why, lapses: patience.map { ContinuousClock.now + $0 }) }
    }

    /// Which of the link's connections do not stand, and why.
    private let unconnected = Mutex<[LinkEvent.Role: String]>([.consuming: "not connected yet", .publishing: "not connected yet"])

    func isConnected(_ role: LinkEvent.Role) { note(role, unconnectedFor: nil) }

    func isUnconnected(_ role: LinkEvent.Role, _ why: String) { note(role, unconnectedFor: why) }

    /// One connection that stands is not both: who cannot publish can tell, claim and charge nothing.
    private func note(_ role: LinkEvent.Role, unconnectedFor why: String?) {
        unconnected.withLock { reasons in
            reasons[role] = why
            let said = LinkEvent.Role.allCases.compactMap { one in reasons[one].map { "\(one.rawValue): \($0)" } }
            // While nobody else can change them: what is said last stands.
            if let first = said.first { isUnwell(.broker, first) } else { isWell(.broker) }
        }
    }

    /// One line for each part that is not in order.
    var complaints: [String] { lines { $0.lapses.map { $0 > ContinuousClock.now } ?? true } + holdings.complaints }

    /// One line for each part that is not as it should be, and keeps nobody from working.
    var notes: [String] {
        lines { $0.lapses.map { $0 <= ContinuousClock.now } ?? false } + holdings.remarks
            + (quietUntil.withLock { $0 }.map { ["paused until \($0): takes nothing new"] } ?? [])
    }

    private func lines(_ belongs: (Fault) -> Bool) -> [String] {
        faults.withLock { faults in
            Part.allCases.compactMap { part in faults[part].flatMap { belongs($0) ? "\(part.rawValue): \($0.why)" : nil } }
        }
    }
}
