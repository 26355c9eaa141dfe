/// The pauses that are known: the last record of each target on the stream.
package struct Pauses: Sendable, Equatable {
    private var latest: [Pause.Target: Pause] = [:]
    private var lastOffset: Int64 = -1

    package init() {}

    package mutating func take(_ pause: Pause) { latest[pause.target] = pause.isLifting ? nil : pause }

    /// Notes where the next record stands. What stands before the last one, or at the beginning, is of another stream, which took the first one's
    /// place, or is read from the beginning again. The last one again is a repeat.
    package mutating func reach(_ offset: Int64) {
        if offset < lastOffset || offset == 0 { latest = [:] }
        lastOffset = offset
    }

    package var isEmpty: Bool { latest.isEmpty }

    /// Whether the stream has any record, of a pause or of anything else. Where it has none, what others know is of a stream before it.
    package var isOfNothing: Bool { lastOffset < 0 }

    /// What is paused at a moment: stages first, then workers, then by name.
    package func inForce(at now: Moment) -> [Pause] {
        latest.values.filter { $0.isInForce(at: now) }.sorted { $0.target.place < $1.target.place }
    }

    /// What keeps new work of a merchant's gateway from beginning: the pause that ends last.
    package func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause? {
        [Pause.Target.merchant(merchant), .gateway(merchant, gateway)].compactMap { latest[$0] }.filter { $0.isInForce(at: now) }
            .max { $0.until < $1.until }
    }

    package func isPaused(_ stage: Stage, at now: Moment) -> Bool { latest[.stage(stage)]?.isInForce(at: now) ?? false }
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
