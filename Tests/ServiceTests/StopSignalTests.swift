import Testing

@testable import Service

@Suite(.timeLimit(.minutes(1))) struct StopSignalTests {
    @Test func whatComesToItsEndIsAnswered() async {
        #expect(await StopSignal().unlessSet { 7 } == 7)
    }

    /// A broker that takes nothing keeps nobody from their end.
    @Test func theOrderToStopEndsTheWaitingForWhatGoesOn() async {
        let (stop, never) = (StopSignal(), StopSignal())
        let waiting = Task {
            await stop.unlessSet {
                await never.wait()
                return 7
            }
        }
        stop.set()
        #expect(await waiting.value == nil)
        never.set()
    }
}
