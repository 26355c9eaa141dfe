import Broker
import Operations
import Testing

@testable import Service

@Suite struct BarredPlacesTests {
    /// A console that looks every few seconds filled the broker's log.
    @Test func whereALoginMayNotLookIsAskedForSeldom() {
        let topology = Topology(
            exchanges: [Exchange("a", .fanout), Exchange("b", .fanout)], queues: [Queue("a", .stream), Queue("b", .stream)])
        let barred = BarredPlaces()
        let now = ContinuousClock.now
        barred.bar(.exchange("a"), now: now)
        barred.bar(.queue("b"), now: now)
        let soon = now + .seconds(599)
        let rest = barred.rest(of: topology, now: soon)
        #expect(rest.exchanges.map(\.name) == ["b"] && rest.queues.map(\.name) == ["a"])
        #expect(barred.contains(.queue("b"), now: soon) && !barred.contains(.queue("a"), now: soon))
        // A right may have been given meanwhile.
        let later = barred.rest(of: topology, now: now + .seconds(600))
        #expect(later.exchanges.count == 2 && later.queues.count == 2)
    }
}
