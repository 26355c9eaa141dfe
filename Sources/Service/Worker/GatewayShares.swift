import DeclineRecovery
import NIOCore

/// Divides a stage's budget of messages in work among those whose FlexFactor is called, so that a slow one leaves room for the others.
///
/// An owner, which is a merchant and its gateway, may have in work up to three times what is free: alone it gets three quarters of the
/// budget, two get three sevenths each, and something is free for whoever comes. What may not begin yet waits in hand, in the order in which
/// it came. The hand has an end, behind which the broker hands out nobody's any more; so when what waits for slow owners fills it, the
/// latest of that is put off and comes again by the delay ladder, spaced as its owner's calls end, to whichever worker has room then.
/// What is put off is a new message: nothing is lost, nobody is suspected, and nobody turns in a circle.
///
/// A value with the time given in, and nothing of the broker.
struct GatewayShares<Item: Sendable> {
    /// An item that is worked on, until `ended`.
    struct Turn: Sendable {
        let item: Item
        fileprivate let owner: String
        fileprivate let number: UInt64
    }

    /// What is to be done now.
    struct Moves: Sendable {
        var begin: [Turn] = []
        var putOff: [(item: Item, until: Moment)] = []
    }

    private struct Waiting {
        let item: Item
        let freeFrom: Moment?
    }

    private struct Owner {
        /// When each that is in work began.
        var inWork: [UInt64: Moment] = [:]
        /// The numbers of those that began, the oldest first; ended ones are dropped when they come to the front.
        var order: CircularBuffer<UInt64> = []
        var waiting: CircularBuffer<Waiting> = []
        /// How long one is in work, in milliseconds; an average in which the latest counts most.
        var usual = 0.0
        /// When the last that was put off comes again.
        var comeback: Moment?

        mutating func note(took span: Moment.Span) { usual += (Double(span.milliseconds) - usual) / 10 }

        mutating func age(_ now: Moment) -> Int64 {
            while let first = order.first {
                if let began = inWork[first] { return (now - began).milliseconds }
                order.removeFirst()
            }
            return 0
        }
    }

    private let budget: Int
    private let room: Int
    private let longest: Moment.Span
    private var owners: [String: Owner] = [:]
    private var total = 0
    private(set) var waitingCount = 0
    private var next: UInt64 = 0

    /// An owner whose oldest in work is as old as this, in milliseconds, is slow. What waits for a quick one gets its turn soon.
    private static var slow: Int64 { 500 }

    /// - Parameters:
    ///   - budget: items in work at a time.
    ///   - room: how many may wait before some are put off.
    ///   - longest: the longest that one is put off.
    init(budget: Int, room: Int, longest: Moment.Span) {
        self.budget = budget
        self.room = room
        self.longest = longest
    }

    var inWorkCount: Int { total }

    /// - Parameter freeFrom: from when on its work is no call, and it begins whatever its owner's share is.
    mutating func arrived(_ item: Item, of name: String, freeFrom: Moment?, now: Moment) -> Moves {
        var moves = Moves()
        let isFree = freeFrom.map { now >= $0 } ?? false
        if isFree || mayBegin(name) && owners[name]?.waiting.isEmpty ?? true {
            begin(item, of: name, now, &moves)
        } else {
            owners[name, default: Owner()].waiting.append(Waiting(item: item, freeFrom: freeFrom))
            waitingCount += 1
            relieve(now, &moves)
        }
        return moves
    }

    mutating func ended(_ turn: Turn, now: Moment) -> Moves {
        var moves = Moves()
        guard let began = owners[turn.owner]?.inWork.removeValue(forKey: turn.number) else { return moves }
        total -= 1
        owners[turn.owner]?.note(took: now - began)
        while let name = nextInTurn, let first = owners[name]?.waiting.popFirst() {
            waitingCount -= 1
            begin(first.item, of: name, now, &moves)
        }
        forgetIfIdle(turn.owner)
        return moves
    }

    /// Time has passed: what waits may need no turn any more, and an owner may have grown slow.
    mutating func looked(now: Moment) -> Moves {
        var moves = Moves()
        if waitingCount == 0 { return moves }
        for (name, owner) in owners where owner.waiting.contains(where: { $0.freeFrom.map { now >= $0 } ?? false }) {
            var kept: CircularBuffer<Waiting> = []
            for waiting in owner.waiting {
                if let freeFrom = waiting.freeFrom, now >= freeFrom {
                    waitingCount -= 1
                    begin(waiting.item, of: name, now, &moves)
                } else {
                    kept.append(waiting)
                }
            }
            owners[name]?.waiting = kept
        }
        relieve(now, &moves)
        return moves
    }

    /// All that wait, for nobody works on them any more.
    mutating func giveUp() -> [Item] {
        var items: [Item] = []
        for name in owners.keys {
            items += owners[name]?.waiting.map(\.item) ?? []
            owners[name]?.waiting.removeAll()
        }
        waitingCount = 0
        return items
    }

    /// Who has least in work, of those that wait and may begin.
    private var nextInTurn: String? {
        var least: (name: String, count: Int)?
        for (name, owner) in owners where !owner.waiting.isEmpty && mayBegin(name) {
            if let (other, count) = least, (count, other) < (owner.inWork.count, name) { continue }
            least = (name, owner.inWork.count)
        }
        return least?.name
    }

    private func mayBegin(_ name: String) -> Bool {
        let free = budget - total
        return free > 0 && (owners[name]?.inWork.count ?? 0) < 3 * free
    }

    private mutating func begin(_ item: Item, of name: String, _ now: Moment, _ moves: inout Moves) {
        next += 1
        total += 1
        owners[name, default: Owner()].inWork[next] = now
        owners[name]?.order.append(next)
        moves.begin.append(Turn(item: item, owner: name, number: next))
    }

    /// Puts off the latest of what waits for the slow, until the rest has room.
    private mutating func relieve(_ now: Moment, _ moves: inout Moves) {
        while waitingCount > room {
            var most: (name: String, count: Int)?
            for name in owners.keys {
                guard let count = owners[name]?.waiting.count, count > most?.count ?? 0, owners[name]?.age(now) ?? 0 >= Self.slow else {
                    continue
                }
                most = (name, count)
            }
            guard let name = most?.name, let last = owners[name]?.waiting.popLast() else { return }
            waitingCount -= 1
            moves.putOff.append((last.item, comeback(of: name, last.freeFrom, now)))
        }
    }

    /// When there may be room for one that is put off: behind those that wait here, and those that were put off before it.
    private mutating func comeback(of name: String, _ freeFrom: Moment?, _ now: Moment) -> Moment {
        guard var owner = owners[name] else { return now + .seconds(1) }
        let each = max(owner.usual, Double(owner.age(now))) / Double(max(owner.inWork.count, 1))
        let turn = now + .milliseconds(Int64(each * Double(owner.waiting.count)))
        let last = max(turn, owner.comeback ?? turn)
        let comeback = min(last + .milliseconds(Int64(each.rounded(.up))), now + longest)
        owner.comeback = comeback
        owners[name] = owner
        return freeFrom.map { min($0, comeback) } ?? comeback
    }

    private mutating func forgetIfIdle(_ name: String) {
        if let owner = owners[name], owner.inWork.isEmpty, owner.waiting.isEmpty { owners[name] = nil }
    }
}
