import Broker
import DeclineRecovery
import Pipeline

extension StageRunner {
    /// Puts a delivery to the end of its stage's queue; `false` when that cannot be done either.
    func sendAgain(_ handed: Handed) async -> Bool {
        let delivery = handed.delivery
        // Of a long one only the beginning is here: the broker has it whole.
        guard delivery.byteCount <= delivery.body.count else { return false }
        do throws(FinishError) {
            try await delivery.finish(
                publishing: [Broker.OutgoingMessage(delivery, at: stage, .again(stage), names, survived: handed.survived, now: clock.now())]
            )
            return true
        } catch {
            report.failed(error)
            return false
        }
    }
}
