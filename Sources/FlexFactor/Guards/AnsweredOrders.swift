import DeclineRecovery
import Synchronization

/// Which recovery FlexFactor's orders were answered to, of the last thousands of charges that a lane made.
///
/// An answer has no mark of its call but its place on the connection. Where something on the way answers one call twice, a little later, the
/// second answer is read as the next call's, and a declined order would be told as approved. It cannot be seen before it is there; but it
/// names an order that was another's, and FlexFactor opens one for each reference. The same reference has the same order as often as it
/// asks.
///
/// Each lane has its own, for no connection leaves its lane. What was answered longer ago than this remembers stands on no connection any
/// more.
final class AnsweredOrders: Sendable {
    private struct Generations {
        /// The hash of a reference, by the order. They keep their room.
        var current: [UUID5: Int] = [:]
        var previous: [UUID5: Int] = [:]
    }

    private let generations = Mutex(Generations())
    private let most: Int

    /// - Parameter most: beyond this many the older half is forgotten.
    init(most: Int = 4_096) {
        self.most = most
    }

    /// Whether an answer that names an order can be a reference's; from now on the order is that reference's.
    func take(_ order: FlexFactorOrderID, for reference: RecoveryReference) -> Bool {
        let key = Self.key(order)
        if key == .empty { return true }
        let owner = reference.hashValue
        return generations.withLock { generations in
            if let known = generations.current[key] ?? generations.previous[key] { return known == owner }
            if generations.current.count >= most {
                swap(&generations.current, &generations.previous)
                generations.current.removeAll(keepingCapacity: true)
            }
            generations.current[key] = owner
            return true
        }
    }

    /// Whether it was answered to another.
    func isAnothers(_ order: FlexFactorOrderID, than reference: RecoveryReference) -> Bool {
        let key = Self.key(order)
        let owner = generations.withLock { $0.current[key] ?? $0.previous[key] }
        return owner.map { $0 != reference.hashValue } ?? false
    }

    /// FlexFactor's ids are GUIDs, whose letters have no case.
    private static func key(_ order: FlexFactorOrderID) -> UUID5 {
        UUID5.guid(order.text) ?? UUID5(namespace: others, name: order.text.lowercased())
    }

    private static let others = UUID5(high: 0x0d3a_6f51_92c8_4b7e, low: 0xb2f4_17c9_5e08_a36d)
}
