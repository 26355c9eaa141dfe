package import Testing

/// Waits until a condition holds; fails the test, naming the condition, when it does not in time.
///
/// The time is for a machine that is very slow, and for a test whose turn among hundreds comes late. A condition that cannot be asked at the moment, for a connection is being made again
/// perhaps, is asked once more.
package func eventually(
    _ what: String, seconds: Double = 300, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        var trouble: (any Error)?
        do {
            if try await condition() { return }
        } catch let error as ExpectationFailedError {
            throw error
        } catch let error as EndsWaiting {
            throw error
        } catch {
            trouble = error
        }
        if ContinuousClock.now >= deadline {
            let why = trouble.map { "; at last: \($0)" } ?? ""
            Issue.record("gave up after \(seconds) s waiting until \(what)\(why)", sourceLocation: sourceLocation)
            throw GaveUp(what: what)
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Says that what is waited for will never be.
package struct EndsWaiting: Error {
    let why: String

    package init(_ why: String) {
        self.why = why
    }
}

/// What was waited for did not come in time.
package struct GaveUp: Error {
    let what: String

    package init(what: String) {
        self.what = what
    }
}
