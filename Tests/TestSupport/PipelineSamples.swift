package import DeclineRecovery
package import Pipeline
import Synchronization

/// The merchants that a test has.
package struct Merchants: MerchantDirectory {
    package let merchants: [Merchant]

    package init(_ merchants: Merchant...) {
        self.merchants = merchants
    }

    package func merchant(_ id: MerchantID) -> Merchant? { merchants.first { $0.id == id } }
}

/// The cancel commands that are known.
package struct Cancels: CancelDirectory {
    package var requested: Set<RecoveryReference>
    package var merchant: MerchantID

    package init(requested: Set<RecoveryReference> = [], merchant: MerchantID = "acme") {
        self.requested = requested
        self.merchant = merchant
    }

    package func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool {
        merchant == self.merchant && requested.contains(reference)
    }
}

/// What a test has paused.
package final class PausesAtHand: PauseDirectory {
    private let known = Mutex(Pauses())

    package init(_ pauses: Pause...) {
        for pause in pauses { take(pause) }
    }

    package func take(_ pause: Pause) { known.withLock { $0.take(pause) } }

    package func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause? {
        known.withLock { $0.pause(of: merchant, through: gateway, at: now) }
    }
}

/// Seals a token so that no two sealings look alike, or has no key.
package final class Vault: CardVault {
    private let count = Mutex(0)
    private let hasKey: Bool

    private let complaint: CardComplaint?

    package init(hasKey: Bool, complaint: CardComplaint? = nil) {
        self.hasKey = hasKey
        self.complaint = complaint
    }

    package func complaint(about card: SealedCard) -> CardComplaint? { complaint }

    package func seal(_ token: CardToken) -> SealedCard? {
        guard hasKey else { return nil }
        let number = count.withLock { count in
            count += 1
            return count
        }
        return SealedCard("sealed.\(number).b.c.d")
    }
}

extension StageEnvironment {
    /// - Parameter clock: a moment is enough where no time passes.
    package static func sample(
        _ clock: any WallClock, claims: any ClaimsPort = MemoryClaims(), cards: any CardVault = Vault(hasKey: true),
        callLimit: Moment.Span = .seconds(20), pauses: any PauseDirectory = NoPauses()
    ) -> StageEnvironment {
        StageEnvironment(
            claims: claims, cards: cards, clock: clock, worker: .sample, names: TopologyNames(), suspicion: Suspicion(limit: 3),
            timing: RecoveryTiming(), callLimit: callLimit, pauses: pauses)
    }
}

extension DeadLetter.Worker {
    package static let sample = DeadLetter.Worker(id: "w-1", host: "pod-1", version: "1.0")
}

extension Recovery {
    /// - Parameter phase: what is known of its charge.
    package func at(_ phase: RecoveryPhase, route: RecoveryRoute? = nil, reply: ReplyAddress? = nil) -> Recovery {
        let reference = if case .retry? = route { RecoveryReference(orderID: order.id, kind: .rerun, sequence: 1) } else { self.reference }
        return Recovery(
            merchantID: merchantID, gatewayID: gatewayID, route: route ?? self.route, reference: reference, amount: amount,
            declinedAt: declinedAt,
            order: order, verdict: verdict, reply: reply, charge: charge, phase: phase, attempts: 3, failures: 3)
    }
}
