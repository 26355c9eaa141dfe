/// When a channel is opened anew whose broker has refused a publish: soon, and not with each of many.
///
/// What was refused is tried again after some four seconds at the earliest (`Holdings`), by a channel that knows what is so by then.
struct ChannelRenewal {
    /// Milliseconds.
    static let pause: Int64 = 2_000
    private var due: Int64?
    private var lastOpened: Int64 = .min / 2

    mutating func refused(now: Int64) { due = due ?? max(now, lastOpened + Self.pause) }

    mutating func opened(now: Int64) { (due, lastOpened) = (nil, now) }

    func isDue(now: @autoclosure () -> Int64) -> Bool { due.map { now() >= $0 } ?? false }

    /// Milliseconds until it is due; `nil` where it is not to be.
    func rest(now: Int64) -> Int64? { due.map { max($0 - now, 0) } }
}
