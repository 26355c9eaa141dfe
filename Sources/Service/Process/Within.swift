/// Waits for something as long as that is worth it: a broker that takes nothing must keep nobody from their end. What was waited for goes on.
///
/// - Returns: whether it came to its end in time.
@discardableResult
func within(_ span: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let done = StopSignal()
    Task {
        await work()
        done.set()
    }
    await done.wait(atMost: span)
    return done.isSet
}
