import Broker
import DeclineRecovery
import Operations
import Testing

@testable import Service

/// A fleet may go without some streams for long, and the broker writes each question about them into its log.
@Suite struct SparedPlacesTests {
    @Test func whatIsGoneIsAskedForOnceAMinute() {
        let (places, now) = (SparedPlaces(), ContinuousClock.now)
        #expect(places.absent(now: now) == nil)
        places.found([.queue("recovery.pauses")], now: now)
        #expect(places.absent(now: now + .seconds(59)) == [TopologyLook.Place.queue("recovery.pauses")])
        #expect(places.absent(now: now + .seconds(60)) == nil)
        places.found([], now: now + .seconds(60))
        #expect(places.absent(now: now + .seconds(61)) == [])
    }

    /// What is asked for by the one look is not asked for by the other.
    @Test func whatIsSparedIsAllThatIsNotRequired() {
        let names = TopologyNames()
        let whole = Topology(recovery: names, crmInbox: false)
        let (required, spared) = (whole.requiring(names), whole.sparing(names))
        #expect(Set(spared.queues.map(\.name)) == Set(names.optional) && Set(spared.exchanges.map(\.name)) == Set(names.optional))
        #expect(Set(spared.bindings.map(\.exchange)) == Set(names.optional))
        #expect(required.queues.count + spared.queues.count == whole.queues.count)
        #expect(required.exchanges.count + spared.exchanges.count == whole.exchanges.count)
        #expect(required.bindings.count + spared.bindings.count == whole.bindings.count)
    }
}
