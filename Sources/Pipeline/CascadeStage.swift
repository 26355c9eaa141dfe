import DeclineRecovery

/// Charges a declined sale again while the customer waits, and answers with the truth.
package struct CascadeStage: Sendable {
    private let runner: RecoveryRunner

    package init(in environment: StageEnvironment, flexFactor: any FlexFactorPort) {
        runner = RecoveryRunner(.cascade, in: environment, flexFactor: flexFactor)
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        await runner.handle(
            message, belongs: { if case .cascade = $0 { true } else { false } },
            // What a pod sent that died stands on the stream of claims; pods of before claimed nothing.
            pickUp: { $0.pickUp(redelivered: message.redelivered && $0.reference.tag == nil) })
    }
}
