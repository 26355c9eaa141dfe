import DeclineRecovery
import Testing

/// What tells one publication of an event from the next.
@Suite struct EditionTests {
    @Test func theSameTextHasTheSameAndAnyOtherAnother() {
        let body = Array(#"{"id":"d-1","data":{"order":{"id":"A1"},"amount":{"minorUnits":4999}}}"#.utf8)
        var seen: Set<UInt64> = [Recovery.edition(of: body)]
        #expect(seen.contains(Recovery.edition(of: Array(body))))
        for place in body.indices {
            var changed = body
            changed[place] ^= 1
            seen.insert(Recovery.edition(of: changed))
            seen.insert(Recovery.edition(of: Array(body[..<place])))
        }
        #expect(seen.count == 1 + 2 * body.count)
    }
}
