import Testing

@testable import Broker
@testable import Service

/// What is believed of what comes under the name of the stream of claims.
@Suite struct ClaimStreamPlaceTests {
    private static func entries(_ offsets: Range<Int64>, of stream: String = "old") -> [StreamEntry] {
        offsets.map { offset in
            StreamEntry(
                offset: offset, properties: MessageProperties(messageID: "\(stream)-\(offset)"), routingKey: "",
                body: Array("\(stream) \(offset)".utf8))
        }
    }

    /// A place at which ten claims were read.
    private static var tenRead: ClaimStreamPlace {
        var place = ClaimStreamPlace()
        _ = place.news(of: entries(0..<10)) { _ in false }
        return place
    }

    @Test func whatComesIsNewsWhileItIsTheSameStream() {
        var place = ClaimStreamPlace()
        #expect(place.news(of: Self.entries(3..<5)) { _ in true }.map(\.offset) == [3, 4])
        // Where there are offsets without a message, or the oldest were let go of, it is the same all the same.
        #expect(place.news(of: Self.entries(9..<11)) { _ in true }.map(\.offset) == [9, 10])
        #expect(place.news(of: []) { _ in true }.isEmpty)
        #expect(place.offset == 10 && place.trust == .same)
    }

    /// A broker that was slow to show what was read last has the stream read from its beginning: nothing of that is taken twice, and what
    /// comes behind is believed.
    @Test(arguments: [1, 4, 9, 10, 11, 30])
    func theSameStreamOnceMoreBringsNothingButWhatIsNew(batch: Int) {
        var place = Self.tenRead
        var news: [Int64] = []
        for start in stride(from: Int64(0), to: 14, by: batch) {
            news += place.news(of: Self.entries(start..<min(start + Int64(batch), 14))) { $0.offset > 9 }.map(\.offset)
            #expect(place.trust == (start + Int64(batch) > 9 ? .same : .rereading))
        }
        #expect(news == [10, 11, 12, 13] && place.offset == 13)
    }

    /// Made anew, or come back without its end: shorter than what was read, as long, or longer by now.
    @Test(arguments: [(3, 1), (10, 10), (25, 4), (25, 25)])
    func nothingOfAnotherStreamIsBelieved(count: Int, batch: Int) {
        var place = Self.tenRead
        for start in stride(from: 0, to: count, by: batch) {
            // The third was claimed here just now.
            let isAwaited: (StreamEntry) -> Bool = { $0.properties.messageID == "new-2" }
            let some = Self.entries(Int64(start)..<Int64(min(start + batch, count)), of: "new")
            #expect(place.news(of: some, isAwaited: isAwaited).isEmpty)
        }
        #expect(place.trust == .lost && place.offset == 9)
        #expect(place.news(of: Self.entries(0..<20)) { _ in false }.isEmpty, "whatever comes afterwards")
    }

    /// As long as nothing shows that it is another, nothing of it is taken either.
    @Test func whatMayBeAnotherStreamIsWaitedFor() {
        var place = Self.tenRead
        #expect(place.news(of: Self.entries(0..<9, of: "new")) { _ in false }.isEmpty)
        #expect(place.trust == .rereading)
        #expect(place.news(of: Self.entries(9..<10, of: "new")) { _ in false }.isEmpty)
        #expect(place.trust == .lost)
    }

    @Test func whoBeginsBehindASnapshotKnowsItsMark() {
        let mark = Self.entries(5..<6)[0]
        var same = ClaimStreamPlace(behind: mark)
        #expect(same.offset == 5)
        #expect(same.news(of: Self.entries(6..<8)) { _ in false }.map(\.offset) == [6, 7])
        var other = ClaimStreamPlace(behind: mark)
        #expect(other.news(of: Self.entries(0..<8, of: "new")) { _ in false }.isEmpty)
        #expect(other.trust == .lost)
    }
}
