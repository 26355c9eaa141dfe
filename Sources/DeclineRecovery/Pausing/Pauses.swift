/// The pauses that are known: the last record of each target.
///
/// A record changes its own target alone, wherever it stands. A stream that took the place of another lifts nothing by that: what was paused on
/// the one before ends at its time, or when somebody says so. And who reads a stream twice ends where he was.
package struct Pauses: Sendable, Equatable {
    /// Those that lift as well: that a target goes on is known of it, too.
    private var latest: [Pause.Target: Pause] = [:]
    /// Whether nothing was read at all, of a pause or of anything else. Where a stream holds nothing, what others know is of one before it.
    package private(set) var isOfNothing = true

    package init() {}

    package mutating func take(_ pause: Pause) {
        latest[pause.target] = pause
        isOfNothing = false
    }

    /// Something that is no pause of this version's.
    package mutating func passOver() { isOfNothing = false }

    package var isEmpty: Bool { latest.values.allSatisfy(\.isLifting) }

    /// What is known together with what was read before: of a target that these say nothing of, what was known then counts.
    package func over(_ remembered: Pauses) -> Pauses {
        var all = self
        all.latest.merge(remembered.latest) { mine, _ in mine }
        return all
    }

    /// Whether anything is known of a target, be it that it goes on.
    package func hasHeard(of target: Pause.Target) -> Bool { latest[target] != nil }

    /// What is paused at a moment: stages first, then workers, then by name.
    package func inForce(at now: Moment) -> [Pause] {
        latest.values.filter { $0.isInForce(at: now) }.sorted { $0.target.place < $1.target.place }
    }

    /// What keeps new work of a merchant's gateway from beginning: the pause that ends last.
    package func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause? {
        [Pause.Target.merchant(merchant), .gateway(merchant, gateway)].compactMap { latest[$0] }.filter { $0.isInForce(at: now) }
            .max { $0.until < $1.until }
    }
}

extension Pause.Target {
    fileprivate var place: (Int, String, String) {
        switch self {
        case .stage(let stage): (0, stage.rawValue, "")
        case .worker(let id): (1, id, "")
        case .merchant(let merchant): (2, merchant.text, "")
        case .gateway(let merchant, let gateway): (2, merchant.text, gateway.text)
        }
    }
}
