import DeclineRecovery

/// Charges a declined sale again while the customer waits, and answers with the truth.
package struct CascadeStage: Sendable {
    private let pursuit: RecoveryRunner

    package init(
        flexFactor: any FlexFactorPort, claims: any ClaimsPort, clock: any WallClock, worker: DeadLetter.Worker, cards: any CardVault,
        timing: RecoveryTiming, callLimit: Moment.Span
    ) {
        pursuit = RecoveryRunner(
            .cascade, flexFactor: flexFactor, claims: claims, clock: clock, worker: worker, cards: cards, timing: timing,
            callLimit: callLimit)
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        await pursuit.handle(
            message, belongs: { if case .cascade = $0 { true } else { false } },
            // What a pod sent that died stands on the stream of claims; pods of before claimed nothing.
            pickUp: { $0.pickUp(redelivered: message.redelivered && $0.reference.tag == nil) })
    }
}
