/// The names of everything that a log line may carry (behaviour.md §9: no person's data, no card, no key among them).
enum LogKey {
    static let merchant = "merchant"
    static let reference = "reference"
    static let gateway = "gateway"
    static let stage = "stage"
    static let trace = "trace_id"
    static let call = "call"
    static let fate = "fate"
    static let reason = "reason"
    static let attempts = "attempts"
    static let milliseconds = "ms"
    static let error = "error"
    static let advice = "advice"
    static let host = "host"
    static let queue = "queue"
    static let connection = "connection"
    static let file = "file"
    static let count = "count"
    static let missing = "missing"
    static let suppressed = "suppressed"
    static let until = "until"
    static let by = "by"

    /// Those whose values are numbers.
    static let numbers: Set<String> = [attempts, milliseconds, count, suppressed]
}
