import Broker

/// How far the stream of claims was read, and whether it is that stream yet.
///
/// A reading begins anew where the broker does not soon show what was read last (`StreamReading`). Either it is slow; or another stream stands
/// under the name, which was made anew after somebody had deleted it, or came back without its end. There it is not to be found what was paid,
/// and who judged by it would charge a paid order again. So what comes again is passed by until what was read last comes, the very same. Where
/// something else stands there, or what was just claimed comes before it, the stream is another one.
struct ClaimStreamPlace: Sendable {
    enum Trust: Sendable {
        case same
        /// It comes once more from its beginning, or another does.
        case rereading
        /// Nothing that comes is believed any more.
        case lost
    }

    private(set) var trust = Trust.same
    private var last: StreamEntry?

    /// - Parameter entry: up to which it was read, by whoever did.
    init(behind entry: StreamEntry? = nil) { last = entry }

    /// Of whoever has read nothing, and is not to.
    static var lost: ClaimStreamPlace {
        var place = ClaimStreamPlace()
        place.trust = .lost
        return place
    }

    /// Where what was read last stands; -1 before the first.
    var offset: Int64 { last?.offset ?? -1 }

    /// Those of a batch that were not read yet, and are to be believed.
    ///
    /// - Parameter isAwaited: whether an entry was published here and has not been read so far.
    mutating func news(of entries: [StreamEntry], isAwaited: (StreamEntry) -> Bool) -> [StreamEntry] {
        guard trust != .lost, let first = entries.first else { return [] }
        guard let known = last, trust == .rereading || first.offset <= known.offset else {
            last = entries.last
            return entries
        }
        trust = .rereading
        let before = entries.prefix { $0.offset < known.offset }
        if before.contains(where: isAwaited) { return lose() }
        let rest = entries[before.endIndex...]
        guard let here = rest.first else { return [] }
        guard here.offset == known.offset, here.properties.messageID == known.properties.messageID, here.body == known.body else {
            return lose()
        }
        trust = .same
        last = rest.last
        return Array(rest.dropFirst())
    }

    private mutating func lose() -> [StreamEntry] {
        trust = .lost
        return []
    }
}
