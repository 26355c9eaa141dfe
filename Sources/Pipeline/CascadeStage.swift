public import DeclineRecovery

/// Charges a declined sale again while the customer waits, and answers with the truth.
public struct CascadeStage: Sendable {
    private let pursuit: Pursuit

    public init(
        flexFactor: any FlexFactorPort, clock: any WallClock, worker: DeadLetter.Worker, cards: any CardVault, timing: RecoveryTiming, callLimit: Moment.Span
    ) {
        pursuit = Pursuit(.cascade, flexFactor: flexFactor, clock: clock, worker: worker, cards: cards, timing: timing, callLimit: callLimit)
    }

    public func handle(_ message: IncomingMessage) async -> Handled {
        await pursuit.handle(
            message, belongs: { if case .cascade = $0 { true } else { false } },
            pickUp: { $0.pickUp(redelivered: message.redelivered) })
    }
}
