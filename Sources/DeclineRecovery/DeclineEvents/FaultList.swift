/// Every fault of one message, in the order found; so many that a person reads them, and the number of the others.
///
/// A message can have as many faults as it has bytes. What is told of them must stay smaller than the broker takes, so neither path nor text
/// of what is not told is even made.
final class FaultList {
    private var told: [FieldError] = []
    private var count = 0

    var isEmpty: Bool { count == 0 }

    func add(_ path: @autoclosure () -> String, _ message: @autoclosure () -> String) {
        count += 1
        if told.count < FieldError.mostTold { told.append(FieldError(path: path(), message: message()).bounded) }
    }

    /// What was left out or cut, since it decides nothing: no reason to refuse the message.
    private(set) var notes: [FieldError] = []

    func note(_ path: @autoclosure () -> String, _ message: @autoclosure () -> String) {
        if notes.count < FieldError.mostTold { notes.append(FieldError(path: path(), message: message())) }
    }

    /// What is told: these before others, which are the first to be left out; at the end, how many more there are.
    func all(before other: FaultList) -> [FieldError] {
        let faults = (told + other.told).prefix(FieldError.mostTold)
        return faults + FieldError.omitting(count + other.count - faults.count)
    }
}
