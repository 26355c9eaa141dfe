import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FlexFactor

@Suite struct DeadlinesTests {
    /// `@unchecked Sendable`: touched on the loop alone, but for what is locked.
    private final class Member: Expiring, @unchecked Sendable {
        let number: Int
        let deadline: NIODeadline
        var place = -1
        private let expired: Ended

        init(_ number: Int, at deadline: NIODeadline, _ expired: Ended) {
            self.number = number
            self.deadline = deadline
            self.expired = expired
        }

        func expire() {
            let (number, isLate) = (number, NIODeadline.now() >= deadline)
            expired.list.withLock { $0.append((number, isLate)) }
        }
    }

    private final class Ended: Sendable {
        let list = Mutex<[(number: Int, isLate: Bool)]>([])
    }

    @Test func eachEndsAtItsTimeUnlessItWasTakenOut() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let ended = Ended()
        let begin = NIODeadline.now() + .milliseconds(20)
        let removed: @Sendable (Int) -> Bool = { $0 % 3 == 0 }
        let deadlines = Deadlines<Member>(loop)
        try await loop.submit {
            // 7 and 300 share no factor: every time once, in no order.
            let members = (0..<300).map { Member($0 * 7 % 300, at: begin + .microseconds(Int64($0 * 7 % 300) * 200), ended) }
            for member in members { deadlines.add(member) }
            for member in members where removed(member.number) {
                deadlines.remove(member)
                deadlines.remove(member)
            }
        }.get()
        try await eventually("all that are left have ended") { ended.list.withLock { $0.count } >= 200 }
        let all = ended.list.withLock { $0 }
        #expect(all.map(\.number) == (0..<300).filter { !removed($0) })
        #expect(all.allSatisfy { $0.isLate })
    }
}
