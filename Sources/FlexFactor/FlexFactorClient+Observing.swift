package import DeclineRecovery

/// What is told of calls.
extension FlexFactorClient {
    /// A finished call, for metrics.
    package struct Observation: Sendable {
        package let call: String
        package let outcome: String
        /// Since its turn came: waiting for our own rate is none of FlexFactor's time.
        package let nanoseconds: Int64
        /// Why there was no answer that decides anything.
        package let failure: CallFailure?
    }

    /// Counts and tells a call that was not made, because it would have asked the wrong account.
    package func note(_ call: FlexFactorCall, _ failure: CallFailure) {
        observe(Observation(call: call.name, outcome: FlexFactorAnswer.failed(failure).name, nanoseconds: 0, failure: failure))
    }
}
