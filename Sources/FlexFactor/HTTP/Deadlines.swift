import NIOCore

/// Whatever ends at its time, unless it has ended before.
protocol Expiring: AnyObject {
    var deadline: NIODeadline { get }
    /// Where it stands among the deadlines, for them alone.
    var place: Int { get set }
    func expire()
}

/// The deadlines of a lane's requests, with one timer of the loop for all of them.
///
/// Nearly all end before their time. A timer of its own for each the loop would look for among all others to cancel it, which with a thousand
/// calls under way takes longer than to send one. Here each knows its place in a heap, and the timer comes once in a while.
///
/// `@unchecked Sendable`: lives on its lane's event loop.
final class Deadlines<Member: Expiring>: NIOScheduledCallbackHandler, @unchecked Sendable {
    private let eventLoop: any EventLoop
    /// None ends before the one at half its place.
    private var heap: [Member] = []
    /// No later than the first of them.
    private var timer: (callback: NIOScheduledCallback, at: NIODeadline)?

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func add(_ member: Member) {
        heap.append(member)
        rise(member, from: heap.count - 1)
        setTimer()
    }

    /// Nothing where it has left already.
    func remove(_ member: Member) {
        let place = member.place
        guard heap.indices.contains(place), heap[place] === member else { return }
        member.place = -1
        let last = heap.removeLast()
        if last === member { return }
        rise(last, from: place)
        sink(last, from: last.place)
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        timer = nil
        let now = NIODeadline.now()
        while let first = heap.first, first.deadline <= now {
            remove(first)
            first.expire()
        }
        setTimer()
    }

    /// None is set where the loop is at its end; then the requests end with their connections.
    private func setTimer() {
        guard let first = heap.first else { return }
        if let timer {
            if timer.at <= first.deadline { return }
            timer.callback.cancel()
        }
        timer = (try? eventLoop.scheduleCallback(in: first.deadline - .now(), handler: self)).map { ($0, first.deadline) }
    }

    private func put(_ member: Member, at place: Int) {
        heap[place] = member
        member.place = place
    }

    private func rise(_ member: Member, from start: Int) {
        var place = start
        while place > 0 {
            let above = heap[(place - 1) / 2]
            if above.deadline <= member.deadline { break }
            let next = above.place
            put(above, at: place)
            place = next
        }
        put(member, at: place)
    }

    private func sink(_ member: Member, from start: Int) {
        var place = start
        while true {
            var below = 2 * place + 1
            if below >= heap.count { break }
            if below + 1 < heap.count, heap[below + 1].deadline < heap[below].deadline { below += 1 }
            if member.deadline <= heap[below].deadline { break }
            put(heap[below], at: place)
            place = below
        }
        put(member, at: place)
    }
}
