import Synchronization

/// What `/readyz` answers by.
final class Health: Sendable {
    /// What must be in order, in the order in which it comes about.
    enum Part: String, CaseIterable {
        case configuration, broker, topology, consumers
    }

    private let faults = Mutex<[Part: String]>([
        .configuration: "not loaded yet", .broker: "not connected yet", .topology: "not checked yet", .consumers: "not subscribed yet",
    ])

    func isWell(_ part: Part) { faults.withLock { _ = $0.removeValue(forKey: part) } }
    func isUnwell(_ part: Part, _ why: String) { faults.withLock { $0[part] = why } }

    /// One line for each part that is not in order.
    var complaints: [String] {
        faults.withLock { faults in Part.allCases.compactMap { part in faults[part].map { "\(part.rawValue): \($0)" } } }
    }
}
