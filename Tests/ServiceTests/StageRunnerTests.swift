import Logging
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import DeclineRecovery
@testable import Pipeline
@testable import Service

/// A delivery's way through a stage, told without a broker: it ends when all that it led to is with the broker, and no sooner.
@Suite struct StageRunnerTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(orderID: "A", kind: .sale, sequence: 0)
    private let names = TopologyNames()
    private let metrics = ServiceMetrics()
    private let holdings = Holdings(clock: ManualClock(StageRunnerTests.now))
    private let replies = Replies()

    /// Where replies go.
    private final class Replies: Sendable {
        private let state = Mutex<(sent: [Broker.OutgoingMessage], failure: PublishError?)>(([], nil))

        var sent: [Broker.OutgoingMessage] { state.withLock { $0.sent } }

        func fail(_ failure: PublishError) { state.withLock { $0.failure = failure } }

        func send(_ message: Broker.OutgoingMessage, _ onFailure: (PublishError) -> Void) {
            let failure = state.withLock { state in
                state.sent.append(message)
                return state.failure
            }
            if let failure { onFailure(failure) }
        }
    }

    private func runner(_ stage: Stage = .cascade, _ handle: @escaping StageRunner.Handle) -> StageRunner {
        let clock = ManualClock(Self.now)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return StageRunner(
            stage, lanes: [(Lane(MultiThreadedEventLoopGroup.singleton.next()), handle)], names: names,
            report: StageReport(stage, metrics: metrics, clock: clock, logger: logger), clock: clock, workerID: "w-1",
            cut: CutMessage(in: .sample(clock)), suspicion: Suspicion(limit: 3), longestHold: .minutes(15), holdings: holdings, budget: nil,
            tracer: nil, replying: { [replies] in replies.send($0, $1) })
    }

    /// A result for the CRM, and the answer for whoever waits.
    private static func told(reply: Bool = false) -> StageOutcome {
        let result = StageMessage(to: .results(.newSale, .approved), messageID: "A/approved", type: "t", traceparent: nil, body: [7])
        let answer = StageMessage(to: .reply(queue: "waiting"), messageID: "A/approved", type: "t", traceparent: nil, body: [7])
        return StageOutcome(
            publishing: reply ? [result, answer] : [result],
            entry: StageOutcome.JournalEntry(reference: reference, fate: .told(.approved, reason: "approved")))
    }

    private func counted(_ fate: String, _ stage: Stage = .cascade) -> Bool {
        metrics.page(circuits: [:]).contains("salvage_messages_total{stage=\"\(stage.rawValue)\",fate=\"\(fate)\"} 1\n")
    }

    @Test func aMessageIsReplacedByWhatItLedToAndByItsLineOfTheJournal() async throws {
        let queue = ScriptedQueue(names.cascade)
        let runner = runner { _ in Self.told(reply: true) }
        runner.take([queue.delivery([1])])
        try await eventually("it is counted as told") { counted("told") }
        #expect(queue.finished == [1] && queue.published.map(\.exchange) == [names.results, names.journal])
        #expect(queue.published.allSatisfy { $0.isMandatory })
        #expect(replies.sent.map(\.exchange) == [""] && replies.sent.map(\.routingKey) == ["waiting"])
        #expect(replies.sent.allSatisfy { !$0.isMandatory && $0.body == [7] })
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
    }

    /// What one receiver refuses is no reason to hold the rest.
    @Test func whatIsRefusedIsPutAwayAndTheRestArrives() async throws {
        let names = names
        let queue = ScriptedQueue(names.cascade) { message, _ in
            message.exchange == names.results ? .nacked(exchange: message.exchange, routingKey: message.routingKey) : nil
        }
        let runner = runner { _ in Self.told() }
        runner.take([queue.delivery([1])])
        try await eventually("it is counted as told") { counted("told") }
        #expect(queue.finished == [1] && queue.published.first?.exchange == names.journal && queue.published.count == 2)
        let kept = try #require(queue.published.last)
        #expect(names.delays.contains(kept.exchange) && kept.body == [7] && kept.properties.messageID == "A/approved")
        #expect(kept.properties.headers[HeaderName.heldExchange] == .string(names.results) && holdings.refusing == 1)
    }

    /// What was put away for it may have been given out by another worker: nobody else says that it refuses no more.
    @Test func aPlaceThatTakesAMessageRefusesNoMore() async throws {
        let names = names
        let queue = ScriptedQueue(names.cascade) { message, attempt in
            message.exchange == names.results && attempt == 1
                ? .nacked(exchange: message.exchange, routingKey: message.routingKey) : nil
        }
        let runner = runner { _ in Self.told() }
        runner.take([queue.delivery([1])])
        try await eventually("it is put away") { queue.finished == [1] }
        #expect(holdings.refusing == 1)
        runner.take([queue.delivery([2])])
        try await eventually("the next is taken") { queue.finished == [1, 2] && holdings.refusing == 0 }
        #expect(queue.published.contains { $0.exchange == names.results } && holdings.remarks.isEmpty)
    }

    /// One that is full takes a message now and then: what waits for it comes one by one all the same, ever later.
    @Test func aMessageThatIsTakenInBetweenLetsNotAllInThatWait() throws {
        let clock = ManualClock(Self.now)
        let holdings = Holdings(clock: clock)
        let place = Holdings.Place(exchange: names.results, routingKey: "new_sale.approved")
        _ = holdings.refused(place, "full", now: clock.now(), isTrial: false)
        clock.pass(.seconds(5))
        _ = holdings.refused(place, "full", now: clock.now(), isTrial: true)
        holdings.taken([place])
        #expect(holdings.refusing == 0)
        let later = try #require(holdings.turn(place, now: clock.now()))
        #expect(later > clock.now() + .seconds(7))
        _ = holdings.refused(place, "full", now: clock.now(), isTrial: false)
        #expect(holdings.refusing == 1 && holdings.places.first?.count == 1)
        holdings.taken([place], isTrial: true)
        #expect(holdings.refusing == 0 && holdings.turn(place, now: clock.now()) == nil)
    }

    @Test func ofAPlaceThatWasNotTriedForLongNothingIsTold() {
        let clock = ManualClock(Self.now)
        let holdings = Holdings(clock: clock)
        let place = Holdings.Place(exchange: names.results, routingKey: "new_sale.approved")
        _ = holdings.refused(place, "full", now: clock.now(), isTrial: false)
        clock.pass(.minutes(30))
        #expect(holdings.refusing == 1 && holdings.remarks.count == 1)
        _ = holdings.refused(place, "full", now: clock.now(), isTrial: true)
        clock.pass(.minutes(30) + .milliseconds(1))
        #expect(holdings.refusing == 0 && holdings.remarks.isEmpty)
    }

    /// Where it goes is a stranger's word: it is not tried again, and is no matter of the delivery's.
    @Test(arguments: [
        ("returned", PublishError.returned(code: 312, text: "NO_ROUTE", exchange: "", routingKey: "waiting")),
        ("connection_lost", PublishError.connectionLost), ("closed", PublishError.closed),
    ])
    func anAnswerThatDoesNotArriveIsLetGo(why: String, failure: PublishError) async throws {
        let queue = ScriptedQueue(names.cascade)
        replies.fail(failure)
        let runner = runner { _ in Self.told(reply: true) }
        runner.take([queue.delivery([1])])
        try await eventually("it is counted as told") { counted("told") }
        #expect(queue.finished == [1] && queue.published.map(\.exchange) == [names.results, names.journal] && holdings.refusing == 0)
        #expect(replies.sent.count == 1 && queue.attempts == 1)
        let page = metrics.page(circuits: [:])
        #expect(page.contains("salvage_replies_let_go_total{stage=\"cascade\",why=\"\(why)\"} 1\n"))
        #expect(page.contains("salvage_finish_failures_total{stage=\"cascade\",why=\"connection_lost\"} 0\n"))
    }

    /// Nobody is told by a reply what the broker does not have.
    @Test func anAnswerWaitsForItsResult() async throws {
        let replies = replies
        let queue = ScriptedQueue(names.cascade) { _, attempt in
            #expect(replies.sent.isEmpty)
            return attempt == 1 ? .connectionLost : nil
        }
        let runner = runner { _ in Self.told(reply: true) }
        runner.take([queue.delivery([1])])
        try await eventually("it is counted as told") { counted("told") }
        #expect(queue.attempts == 2 && queue.finished == [1] && replies.sent.count == 1)
    }

    /// What replaces it may be there or not; with the same ids it may come twice.
    @Test func whatWasUnderWayOnALostConnectionIsPublishedAgain() async throws {
        let queue = ScriptedQueue(names.cascade) { _, attempt in attempt == 1 ? .connectionLost : nil }
        let runner = runner { _ in Self.told() }
        runner.take([queue.delivery([1])])
        try await eventually("it is counted as told") { counted("told") }
        #expect(queue.attempts == 2 && queue.finished == [1] && queue.published.map(\.exchange) == [names.results, names.journal])
    }

    /// The broker hands it out again, to somebody who must not find that we have gone on with it.
    @Test func whatTheBrokerHasBackIsNotWorkedOn() async throws {
        let queue = ScriptedQueue(names.cascade)
        let works = Mutex(0)
        let runner = runner { _ in
            works.withLock { $0 += 1 }
            return Self.told()
        }
        let delivery = queue.delivery([1])
        queue.loseConnection()
        runner.take([delivery])
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
        #expect(works.withLock { $0 } == 0 && queue.attempts == 0 && queue.finished.isEmpty)
    }

    @Test func whatIsLostWhileItIsWorkedOnLeadsToNothing() async throws {
        let queue = ScriptedQueue(names.cascade)
        let runner = runner { _ in
            queue.loseConnection()
            let parked = StageMessage(to: .delayed(.cascade, .seconds(5)), messageID: "A", type: "t", traceparent: nil, body: [7])
            return StageOutcome(
                publishing: [parked],
                entry: StageOutcome.JournalEntry(reference: Self.reference, fate: .parked(.seconds(5), because: "due")))
        }
        runner.take([queue.delivery([1])])
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
        #expect(queue.attempts == 0 && queue.finished.isEmpty && !counted("parked"))
    }

    /// It is claimed as told; and whoever was handed the message since may have ended it before that.
    @Test func whatWasClaimedIsToldThoughItsDeliveryIsLost() async throws {
        let queue = ScriptedQueue(names.cascade)
        let runner = runner { _ in
            queue.loseConnection()
            return Self.told()
        }
        runner.take([queue.delivery([1])])
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
        #expect(queue.published.map(\.exchange) == [names.results, names.journal] && queue.finished.isEmpty)
    }

    @Test func whatWasHandedOutTooOftenGoesToTheSuspectsUnread() async throws {
        let queue = ScriptedQueue(names.cascade)
        let runner = runner { _ in Self.told() }
        var properties = MessageProperties()
        properties.headers = ["x-delivery-count": 3]
        runner.take([queue.delivery([1], properties, exchange: names.work, redelivered: true)])
        try await eventually("it is set aside") { queue.finished == [1] }
        let onward = try #require(queue.published.first)
        #expect(queue.published.count == 1 && onward.exchange == names.work && onward.routingKey == Stage.suspects.rawValue)
        #expect(onward.properties.headers[HeaderName.setAsideStage] == .string("cascade") && onward.body == [1])
    }

    /// Whoever is ended by us has not ended us: it comes to its queue's end as a new message.
    @Test func whatIsNotFinishedInTimeGoesToTheEndOfItsQueue() async throws {
        let queue = ScriptedQueue(names.cascade)
        let (begun, goesOn) = (StopSignal(), StopSignal())
        let runner = runner { _ in
            begun.set()
            await goesOn.wait(atMost: .seconds(60))
            return Self.told()
        }
        runner.take([queue.delivery([1])])
        await begun.wait(atMost: .seconds(60))
        runner.stop()
        await runner.handBack(within: .seconds(60))
        #expect(queue.finished == [1] && queue.published.map(\.exchange) == [""] && queue.published.map(\.routingKey) == [names.cascade])
        goesOn.set()
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
    }

    /// Neither where it was to go nor where it would be kept: it stays in hand, and is the broker's when we stop.
    @Test func whoStopsLeavesToTheBrokerWhatNobodyTakes() async throws {
        let queue = ScriptedQueue(names.cascade) { message, _ in .nacked(exchange: message.exchange, routingKey: message.routingKey) }
        let runner = runner { _ in Self.told(reply: true) }
        runner.take([queue.delivery([1])])
        try await eventually("it is held") { holdings.inHand[.cascade] == 1 }
        runner.stop()
        try await eventually("nothing is in hand") { runner.inFlight == 0 }
        #expect(queue.finished.isEmpty && queue.published.isEmpty && replies.sent.isEmpty)
        #expect(holdings.inHand[.cascade] == 0)
    }

    /// Its beginning, sent on, would pass for the whole.
    @Test func whatIsHereInPartOnlyIsNotSentOn() async throws {
        let queue = ScriptedQueue(names.unrouted)
        let runner = runner(.unrouted) { _ in
            StageOutcome(publishing: [], onward: .queue(of: .retry), entry: StageOutcome.JournalEntry(fate: .passed(to: .retry)))
        }
        runner.take([queue.delivery([1, 2, 3], byteCount: 30_000_000, exchange: names.unrouted)])
        try await eventually("it is a letter") { counted("dead_lettered", .unrouted) }
        #expect(queue.finished == [1] && queue.published.map(\.exchange) == [names.dead])
    }

    /// A held message goes where it was refused, alone, and waits again where it still is.
    @Test(arguments: [true, false])
    func aHeldMessageIsTriedWhereItWasRefused(isTaken: Bool) async throws {
        let names = names
        let queue = ScriptedQueue(names.queue(of: .held)) { message, _ in
            isTaken || message.exchange != names.results ? nil : .nacked(exchange: message.exchange, routingKey: message.routingKey)
        }
        let runner = runner(.held) { _ in Self.told() }
        var properties = MessageProperties(messageID: "A/approved")
        properties.headers.note(heldFor: Holdings.Place(exchange: names.results, routingKey: "new_sale.approved"))
        runner.take([queue.delivery([7], properties)])
        try await eventually("it ends") { queue.finished == [1] }
        let sent = try #require(queue.published.first)
        #expect(queue.published.count == 1 && sent.body == [7] && sent.properties.messageID == "A/approved")
        #expect(isTaken ? sent.exchange == names.results : names.delays.contains(sent.exchange))
        #expect(
            isTaken ? sent.routingKey == "new_sale.approved" : sent.properties.headers[HeaderName.heldExchange] == .string(names.results))
        #expect(holdings.refusing == (isTaken ? 0 : 1))
    }
}
