/// Work with an end: what takes longer is cancelled, and nobody waits for it, whether it heeds that or not.
enum TimeLimit {
    /// `nil` when the time was over.
    static func run<Result: Sendable>(_ limit: Duration, _ work: @escaping @Sendable () async -> Result) async -> Result? {
        let (answers, answer) = AsyncStream.makeStream(of: Result?.self, bufferingPolicy: .bufferingOldest(1))
        let working = Task { answer.yield(await work()) }
        let timer = Task {
            try? await Task.sleep(for: limit)
            answer.yield(nil)
        }
        defer {
            working.cancel()
            timer.cancel()
        }
        for await first in answers { return first }
        return nil
    }
}
