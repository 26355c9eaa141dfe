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
/// The time is given in, and it knows nothing of the broker.
struct GatewayShares<Item: Sendable> {
    /// An item that is worked on, until `ended`.
    struct Turn: Sendable {
        let item: Item
        /// `nil` where it takes no share.
        fileprivate let owner: String?
        fileprivate let number: UInt64

        fileprivate init(_ item: Item, of owner: String, number: UInt64) {
            self.item = item
            self.owner = owner
            self.number = number
        }

        /// Of an item that takes nobody's share.
        init(free item: Item) {
            self.item = item
            owner = nil
            number = 0
        }
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

    /// An object: changed in its place in the table it would cost a message a dozen allocations.
    private final class Owner {
        /// When each that is in work began.
        var inWork: [UInt64: Moment] = [:]
        /// The numbers of those that began, the oldest first; ended ones are dropped when they come to the front.
        var order: CircularBuffer<UInt64> = []
        var waiting: CircularBuffer<Waiting> = []
        /// How long one is in work, in milliseconds; an average in which the latest counts most.
        var usual = 0.0
        /// When the last that was put off comes again.
        var comeback: Moment?

        func note(took span: Moment.Span) { usual += (Double(span.milliseconds) - usual) / 10 }

        func age(_ now: Moment) -> Int64 {
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
    private let isSlow: @Sendable (String) -> Bool?
    private var owners: [String: Owner] = [:]
    private var total = 0
    private(set) var waitingCount = 0
    private var next: UInt64 = 0

    /// In milliseconds: what waits for an owner whose oldest in work is younger gets its turn soon.
    private static var soon: Int64 { 500 }
    /// In milliseconds: a turn so old keeps others waiting, whoever is slow.
    private static var long: Int64 { 5_000 }

    /// - Parameters:
    ///   - budget: items in work at a time.
    ///   - room: how many may wait before some are put off.
    ///   - longest: the longest that one is put off.
    ///   - isSlow: whether an owner's FlexFactor is slow. Where it is not, the worker or the broker is, and putting off would only be more work
    ///     for both, until others wait for long. `nil` of owners of whom nothing is known: they are slow as soon as their turns are.
    init(budget: Int, room: Int, longest: Moment.Span, isSlow: @escaping @Sendable (String) -> Bool? = { _ in nil }) {
        self.budget = budget
        self.room = room
        self.longest = longest
        self.isSlow = isSlow
    }

    var inWorkCount: Int { total }

    /// - Parameter freeFrom: from when on its work is no call, and it begins whatever its owner's share is.
    mutating func arrived(_ item: Item, of name: String, freeFrom: Moment?, now: Moment) -> Moves {
        var moves = Moves()
        let isFree = freeFrom.map { now >= $0 } ?? false
        let owner = owner(name)
        if isFree || mayBegin(owner) && owner.waiting.isEmpty {
            begin(item, of: owner, name, now, &moves)
        } else {
            owner.waiting.append(Waiting(item: item, freeFrom: freeFrom))
            waitingCount += 1
            relieve(now, &moves)
        }
        return moves
    }

    mutating func ended(_ turn: Turn, now: Moment) -> Moves {
        var moves = Moves()
        guard let name = turn.owner, let owner = owners[name], let began = owner.inWork.removeValue(forKey: turn.number) else {
            return moves
        }
        total -= 1
        owner.note(took: now - began)
        while let (nextName, next) = nextInTurn, let first = next.waiting.popFirst() {
            waitingCount -= 1
            begin(first.item, of: next, nextName, now, &moves)
        }
        if owner.inWork.isEmpty, owner.waiting.isEmpty { owners[name] = nil }
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
                    begin(waiting.item, of: owner, name, now, &moves)
                } else {
                    kept.append(waiting)
                }
            }
            owner.waiting = kept
        }
        relieve(now, &moves)
        return moves
    }

    /// All that wait, for nobody works on them any more.
    mutating func giveUp() -> [Item] {
        var items: [Item] = []
        for owner in owners.values {
            items += owner.waiting.map(\.item)
            owner.waiting.removeAll()
        }
        waitingCount = 0
        return items
    }

    /// Who has least in work, of those that wait and may begin.
    private var nextInTurn: (name: String, owner: Owner)? {
        var least: (name: String, owner: Owner)?
        for (name, owner) in owners where !owner.waiting.isEmpty && mayBegin(owner) {
            if let least, (least.owner.inWork.count, least.name) < (owner.inWork.count, name) { continue }
            least = (name, owner)
        }
        return least
    }

    private mutating func owner(_ name: String) -> Owner {
        if let owner = owners[name] { return owner }
        let owner = Owner()
        owners[name] = owner
        return owner
    }

    private func mayBegin(_ owner: Owner) -> Bool {
        let free = budget - total
        return free > 0 && owner.inWork.count < 3 * free
    }

    private mutating func begin(_ item: Item, of owner: Owner, _ name: String, _ now: Moment, _ moves: inout Moves) {
        next += 1
        total += 1
        owner.inWork[next] = now
        owner.order.append(next)
        moves.begin.append(Turn(item, of: name, number: next))
    }

    /// Puts off the latest of what waits for the slow, until the rest has room.
    private mutating func relieve(_ now: Moment, _ moves: inout Moves) {
        while waitingCount > room {
            var most: Owner?
            for (name, owner) in owners where owner.waiting.count > most?.waiting.count ?? 0 && owner.age(now) >= Self.soon {
                if isSlow(name) ?? true || owner.age(now) >= Self.long { most = owner }
            }
            guard let most, let last = most.waiting.popLast() else { return }
            waitingCount -= 1
            moves.putOff.append((last.item, Self.comeback(of: most, last.freeFrom, now, atMost: longest)))
        }
    }

    /// When there may be room for one that is put off: behind those that wait here, and those that were put off before it.
    private static func comeback(of owner: Owner, _ freeFrom: Moment?, _ now: Moment, atMost longest: Moment.Span) -> Moment {
        let each = max(owner.usual, Double(owner.age(now))) / Double(max(owner.inWork.count, 1))
        let turn = now + .milliseconds(Int64(each * Double(owner.waiting.count)))
        let last = max(turn, owner.comeback ?? turn)
        let comeback = min(last + .milliseconds(Int64(each.rounded(.up))), now + longest)
        owner.comeback = comeback
        return freeFrom.map { min($0, comeback) } ?? comeback
    }
}
