import DeclineRecovery
import TestSupport
import Testing

/// A fault of ours is not told as one of FlexFactor's.
@Suite struct MisconfiguredGatewayTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)
    private let timing = RecoveryTiming()

    private func learned(_ failure: CallFailure) -> RecoveryStop? {
        var recovery = Recovery.sample(declinedAt: now)
        _ = recovery.next(now: now, timing: timing)
        return recovery.learned(.failed(failure), now: now, timing: timing)
    }

    @Test func whatTheConfigurationLacksIsToldAsSuch() {
        for failure in [
            CallFailure.NotSent.misconfigured("the gateway has no environmentKey, which tokenize needs"),
            .noToken("FlexFactor refuses the keys (401)"),
        ] {
            #expect(learned(.notSent(failure)) == .conclude(.misconfigured))
        }
        #expect(ResultReason(.misconfigured) == .skipped(.gatewayMisconfigured))
        #expect(
            ResultReason(.misconfigured).code == "gateway_misconfigured"
                && !ResultReason(.misconfigured).sentence.contains("could not be reached"))
    }

    @Test func aFlexFactorThatIsAwayIsToldAsBefore() {
        #expect(learned(.notSent(.circuitOpen(until: now))) == .conclude(.unavailable))
    }
}
