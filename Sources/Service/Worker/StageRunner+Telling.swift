import Broker
import DeclineRecovery
import Pipeline

extension StageRunner {
    /// Tells what was claimed as told although its delivery is gone.
    ///
    /// The broker hands the message out again, and whoever has it then tells the same. But while this process was frozen or cut off another may
    /// have brought it to its end, with less knowledge: then nobody else will tell what the claims say since. Told twice it has the same id.
    func tellWithoutDelivery(_ messages: [Broker.OutgoingMessage], of handed: Handed, on lane: Lane) async {
        var left = messages.map { Sending($0) }
        var pause = HoldPause()
        while true {
            let failures = await handed.delivery.publishBeside(left.map(\.message))
            var next: [Sending] = []
            for (sending, failure) in zip(left, failures) {
                guard let failure else { continue }
                report.failed(.publish(failure))
                switch failure {
                case .closed: return
                case .returned, .nacked, .unsendable:
                    next.append(sending.keptFor == nil ? keep(sending.message, because: failure) : sending)
                case .connectionLost, .blocked: next.append(sending)
                }
            }
            if next.isEmpty { return }
            left = next
            if await !rest(pause.next(), on: lane) { return }
        }
    }
}
