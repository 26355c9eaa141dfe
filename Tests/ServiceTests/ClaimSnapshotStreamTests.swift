import Broker
import DeclineRecovery
import Foundation
import Pipeline
import Synchronization
import TestSupport
import Testing

@testable import Service

/// Snapshots on a real broker: written, read, and passed by.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"] != nil || ProcessInfo.processInfo.environment["CI"] == "true",
        "no broker: run deploy/local/test")
) struct ClaimSnapshotStreamTests {
    private final class World: Sendable {
        let link: BrokerLink
        let names: TopologyNames
        private let configuration: BrokerConfiguration
        /// Those of the processes that follow, each its own.
        private let links = Mutex<[BrokerLink]>([])

        init(_ configuration: BrokerConfiguration) async throws {
            self.configuration = configuration
            link = try await BrokerLink.open(configuration)
            names = TopologyNames(prefix: "test-\(UUID().uuidString.prefix(8))")
        }

        func newLink() async throws -> BrokerLink {
            let link = try await BrokerLink.open(configuration)
            links.withLock { $0.append(link) }
            return link
        }

        /// Ends all processes that follow.
        func endAll() async {
            let ended = links.withLock { links in
                defer { links = [] }
                return links
            }
            for link in ended { await link.close() }
        }

        var snapshots: ClaimSnapshotStream { ClaimSnapshotStream(link: link, names: names) }

        /// One who writes a snapshot whenever so many claims have come; nobody else would for a hundred thousand.
        func tail(every: Int64 = .max) async throws -> ClaimTail {
            var turns = ClaimSnapshotTurns()
            turns.every = every
            turns.pause = .zero
            let tail = ClaimTail(worker: "test", snapshots: turns)
            try await tail.follow(try await newLink(), names, until: StopSignal())
            return tail
        }

        func latest() async -> ClaimBook? {
            guard case .book(let book, _)? = try? await snapshots.latest(at: SystemClock().now()) else { return nil }
            return book
        }

        /// An operator's mistake.
        func delete(_ stream: String) async throws { try await link.delete(queue: stream) }

        /// And what follows it.
        func declare(_ stream: String) async throws {
            let all = Topology(recovery: names)
            try await link.declare(
                Topology(queues: all.queues.filter { $0.name == stream }, bindings: all.bindings.filter { $0.exchange == stream }))
        }

        /// Whether somebody who begins now finds another stream than the one that the snapshots are of.
        func findsAnother() async throws -> Bool {
            try await late().loss != nil
        }

        static func reference(_ order: String) -> RecoveryReference {
            RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: order), orderID: order, kind: .sale, sequence: 0)
        }

        static func request(_ order: String) -> ClaimRequest {
            ClaimRequest(
                merchantID: "acme", reference: reference(order),
                debt: Fingerprint(of: Debt(merchantID: "acme", orderID: order, purchaseID: nil, billingCycle: nil, chargeID: nil)),
                amount: Money(minorUnits: 4_999, currency: .usd), act: .told(Claim.Told(.approved, .known)),
                until: SystemClock().now() + .days(33))
        }

        func claim(_ orders: Range<Int>, by tail: ClaimTail) async throws {
            await withTaskGroup { group in
                for number in orders { group.addTask { #expect(await tail.claim(Self.request("A\(number)")) != nil) } }
            }
        }

        /// Writes a snapshot that says something that no claim says, so that it shows who has read it.
        func tell(_ lie: String, _ change: (inout [[UInt8]]) -> Void = { _ in }) async throws {
            let mark = ClaimSnapshotMark(id: .random(in: 1 ... .max), at: SystemClock().now(), worker: "test")
            try await link.publish([message(names.claims, ClaimSnapshotMark.type, mark.encoded())])
            let offset = try #require(try await link.lastOffset(of: names.claims))
            var book = ClaimBook()
            _ = book.take(Self.request(lie).record(id: 1, at: SystemClock().now(), worker: "test").claim, at: 0)
            var snapshot = ClaimSnapshot(of: book.frozen, id: mark.id, offset: offset)
            var parts: [[UInt8]] = []
            while let part = snapshot.nextPart() { parts.append(part) }
            change(&parts)
            for part in parts { try await link.publish([message(names.claimSnapshots, ClaimSnapshotStream.partType, part)]) }
        }

        func message(_ exchange: String, _ type: String, _ body: [UInt8]) -> Broker.OutgoingMessage {
            Broker.OutgoingMessage(exchange: exchange, routingKey: "", properties: MessageProperties(type: type), body: body)
        }

        func late() async throws -> ClaimTail {
            let tail = ClaimTail(worker: "late")
            try await tail.catchUp(try await newLink(), names)
            return tail
        }

        /// What somebody who begins now knows of a recovery.
        func known(_ order: String) async throws -> Bool {
            let tail = try await late()
            return tail.standing(of: Self.reference(order), merchant: "acme")?.told != nil
        }
    }

    /// - Parameter segment: how large the files of the snapshots' stream may become, where it matters.
    private func withWorld(snapshots: Bool = true, segment: Int64? = nil, _ body: (World) async throws -> Void) async throws {
        let url = try #require(
            ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"], "SALVAGE_TEST_AMQP names no broker; run deploy/local/test")
        let world = try await World(BrokerConfiguration(url: url))
        let (link, names) = (world.link, world.names)
        let own = [names.claims] + (snapshots ? [names.claimSnapshots] : [])
        let all = Topology(recovery: names)
        var queues = all.queues.filter { own.contains($0.name) }
        if let segment {
            queues.removeAll { $0.name == names.claimSnapshots }
            queues.append(
                Queue(names.claimSnapshots, .stream, arguments: ["x-stream-max-segment-size-bytes": .integer(segment)]))
        }
        try await link.declare(
            Topology(
                exchanges: all.exchanges.filter { own.contains($0.name) }, queues: queues,
                bindings: all.bindings.filter { own.contains($0.exchange) }))
        do {
            try await body(world)
        } catch {
            Issue.record(error)
        }
        await world.endAll()
        for name in own {
            try await link.delete(queue: name)
            try await link.delete(exchange: name)
        }
        await link.close()
    }

    @Test(.timeLimit(.minutes(5)))
    func aSnapshotIsWrittenByOneOfThoseWhoFollowAndReadByWhoBegins() async throws {
        try await withWorld { world in
            let tails = [try await world.tail(every: 40), try await world.tail(every: 40), try await world.tail(every: 40)]
            try await world.claim(0..<60, by: tails[0])
            // Among so many claims are the probes of those who begin, which are forgotten as soon as somebody looks.
            try await eventually("a snapshot is written") { await (world.latest()?.count ?? 0) >= 40 - 3 }
            try await world.claim(60..<140, by: tails[1])
            try await eventually("another is written") { await (world.latest()?.count ?? 0) >= 80 - 3 }
            // Each mark has one who writes.
            let found = Mutex<[Int64: Set<Claim.ID>]>([:])
            try await world.link.readToEnd(world.names.claimSnapshots) { entries in
                for entry in entries {
                    guard let head = ClaimSnapshot.Head(entry.body) else {
                        Issue.record("a part that cannot be read")
                        return
                    }
                    found.withLock { _ = $0[head.offset, default: []].insert(head.id) }
                }
            }
            let marks = found.withLock { $0 }
            let places = marks.keys.sorted()
            #expect(marks.values.allSatisfy { $0.count == 1 })
            #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 40 }, "\(places)")
            let late = try await world.late()
            // Of each recovery: what is remembered beside, of probes whose time is over, goes when somebody looks.
            try await eventually("all know the same") {
                (0..<140).allSatisfy { order in
                    let here = tails[2].standing(of: World.reference("A\(order)"), merchant: "acme")
                    return here != nil && here == late.standing(of: World.reference("A\(order)"), merchant: "acme")
                }
            }
            guard case .told(let record, .approved)? = await late.claim(World.request("A3"))?.verdict else {
                Issue.record("what was told before the snapshot is not told again")
                return
            }
            #expect(record.claim.reference == World.reference("A3"))
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func aSnapshotIsBelievedOnlyByTheStreamThatItIsOf() async throws {
        try await withWorld { world in
            try await world.claim(0..<5, by: try await world.tail())
            try await world.tell("LIE")
            // The broker counts messages late.
            try await eventually("there is a snapshot") { await world.latest() != nil }
            #expect(try await world.known("LIE"), "the newest is read")
            try await world.tell("OTHER") { $0.removeLast() }
            #expect(try await world.known("LIE"), "one in the making hides none that is whole")
            try await world.tell("DAMAGED") { $0[1][60] ^= 1 }
            #expect(try await !world.known("DAMAGED"))
            #expect(try await world.known("A3"), "all claims are read then")
            try await world.tell("LIE")
            #expect(try await world.known("LIE"))
            await world.endAll()
            try await world.delete(world.names.claims)
            #expect(await world.latest() == nil, "there is no stream that it could be of")
            try await world.declare(world.names.claims)
        }
    }

    /// Whoever begins has nothing but a snapshot to know by that there was another stream: empty, or grown beyond where the mark stood.
    @Test(.timeLimit(.minutes(5)))
    func whoBeginsWithASnapshotOfAnotherStreamWaitsForAPerson() async throws {
        try await withWorld { world in
            let names = world.names
            try await world.claim(0..<5, by: try await world.tail())
            try await world.tell("PAID")
            try await eventually("there is a snapshot") { await world.latest() != nil }
            await world.endAll()
            try await world.delete(names.claims)
            try await world.declare(names.claims)
            try await eventually("it is found to be empty") { try await world.findsAnother() }
            for number in 100..<140 {
                let record = World.request("A\(number)").record(id: UInt64(number), at: SystemClock().now(), worker: "test")
                try await world.link.publish([world.message(names.claims, ClaimRecord.type, record.encoded())])
            }
            #expect(try await world.findsAnother(), "it has something else there")
            // A worker waits and says why; it begins when the snapshots are gone, which is the decision to go on without.
            let tail = ClaimTail(worker: "test")
            let told = Mutex<[String]>([])
            let link = try await world.newLink()
            let following = Task {
                try await tail.follow(link, names, until: StopSignal()) { why in told.withLock { $0.append(why) } }
            }
            try await eventually("it says why it waits") { told.withLock { $0.contains { $0.contains("SalvageClaimsBehind") } } }
            #expect(!tail.progress.isCaughtUp)
            try await world.delete(names.claimSnapshots)
            try await world.declare(names.claimSnapshots)
            try await following.value
            #expect(tail.progress.isCaughtUp && tail.loss == nil)
            #expect(tail.standing(of: World.reference("A139"), merchant: "acme")?.told != nil)
            #expect(tail.standing(of: World.reference("PAID"), merchant: "acme") == nil)
        }
    }

    /// What was paid stands in the stream that is no more: who has read it charges nothing by the one in its place.
    @Test(.timeLimit(.minutes(5)))
    func whoFollowedAStreamThatIsMadeAnewClaimsNothingAndForgetsNothing() async throws {
        try await withWorld { world in
            let (tail, names) = (try await world.tail(), world.names)
            try await world.claim(0..<5, by: tail)
            try await world.delete(names.claims)
            try await world.declare(names.claims)
            try await eventually("it finds that this is another stream") {
                // What is claimed meanwhile is not granted: it stands in the other stream, if anywhere.
                if await tail.claim(World.request("A3")) != nil { Issue.record("a claim was granted") }
                return tail.loss != nil
            }
            #expect(await tail.claim(World.request("B1")) == nil && !tail.progress.isCaughtUp)
            #expect(tail.standing(of: World.reference("A3"), merchant: "acme")?.told != nil, "it knows what was paid")
            // Nor does anybody begin there as if nothing had happened, though there never was a snapshot.
            try await eventually("who begins finds it as well") { try await world.findsAnother() }
        }
    }

    /// Where the broker begins a new file it may take an offset for itself, so the parts of a large snapshot do not stand one behind the other.
    @Test(.timeLimit(.minutes(5)))
    func aSnapshotIsReadOverTheBordersOfFiles() async throws {
        try await withWorld(segment: 500_000) { world in
            var book = ClaimBook()
            func snapshot(_ count: Int) async throws -> [[UInt8]] {
                for number in book.count..<count {
                    let record = World.request("A\(number)").record(id: UInt64(number), at: SystemClock().now(), worker: "test")
                    _ = book.take(record.claim, at: Int64(number))
                }
                let mark = ClaimSnapshotMark(id: .random(in: 1 ... .max), at: SystemClock().now(), worker: "test")
                try await world.link.publish([world.message(world.names.claims, ClaimSnapshotMark.type, mark.encoded())])
                let offset = try #require(try await world.link.lastOffset(of: world.names.claims))
                var snapshot = ClaimSnapshot(of: book.frozen, id: mark.id, offset: offset)
                var parts: [[UInt8]] = []
                while let part = snapshot.nextPart() { parts.append(part) }
                return parts
            }
            func write(_ parts: [[UInt8]]) async throws {
                for part in parts {
                    try await world.link.publish([world.message(world.names.claimSnapshots, ClaimSnapshotStream.partType, part)])
                }
            }
            let first = try await snapshot(17_000)
            #expect(first.count == 6)
            try await write(first)
            try await eventually("the first is read") { await world.latest()?.count == 17_000 }
            let second = try await snapshot(17_100)
            try await write(second)
            #expect(await world.latest()?.count == 17_100)
            // Whoever writes the next has not come to its end yet.
            try await write(try await snapshot(17_200).dropLast())
            #expect(await world.latest()?.count == 17_100)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func withoutTheStreamOfSnapshotsAllGoesOn() async throws {
        try await withWorld(snapshots: false) { world in
            let tail = try await world.tail(every: 10)
            try await world.claim(0..<60, by: tail)
            #expect(await world.latest() == nil)
            #expect(try await world.known("A0"))
            #expect(try await world.known("A59"))
        }
    }

    /// What a later version claims is not in what this one knows.
    @Test(.timeLimit(.minutes(5)))
    func whoMetClaimsOfALaterVersionWritesNone() async throws {
        try await withWorld { world in
            let tail = try await world.tail(every: 10)
            try await world.link.publish([world.message(world.names.claims, ClaimRecord.type, Array("{}".utf8))])
            try await world.claim(0..<60, by: tail)
            try await world.link.readToEnd(world.names.claims) { entries in
                for entry in entries where entry.properties.type == ClaimSnapshotMark.type { Issue.record("a mark at \(entry.offset)") }
            }
            #expect(try await world.link.lastOffset(of: world.names.claimSnapshots) == nil)
        }
    }
}
