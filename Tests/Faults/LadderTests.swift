import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

extension Breakages {
    /// The delay ladder at a real broker that is restarted while messages wait: every message comes out, none early, and none twice but by the
    /// restart.
    @Suite struct LadderTests {
        /// `SALVAGE_PARKED` parks more of them, `SALVAGE_PARKED_SECONDS` for longer, `SALVAGE_PARKED_RESTART=no` leaves the broker alone.
        private static let environment = ProcessInfo.processInfo.environment
        static let count = environment["SALVAGE_PARKED"].flatMap(Int.init) ?? 3_000
        static let longest = environment["SALVAGE_PARKED_SECONDS"].flatMap(Int64.init) ?? 12
        static let restarts = environment["SALVAGE_PARKED_RESTART"] != "no"

        private struct Parked {
            var due: [Int64]
            var seenAt: [Int64]
        }

        private static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

        @Test(.timeLimit(.minutes(15)))
        func whatIsParkedComesOutAndNeverEarly() async throws {
            let broker = try await PrivateBroker.start()
            do {
                try await run(broker)
                await broker.stop()
            } catch {
                await broker.stop()
                throw error
            }
        }

        private func run(_ broker: PrivateBroker) async throws {
            let url = try await TestMachine.freshVirtualHost(of: broker.folder, url: broker.url)
            var plan = Fleet.Plan()
            plan.brokerURL = url
            try await Fleet.with(plan) { fleet in
                let names = TopologyNames()
                let state = Mutex(Parked(due: Array(repeating: 0, count: Self.count), seenAt: Array(repeating: 0, count: Self.count)))
                let started = Date()
                var hops = 0
                // A filling as large as a recovery that waits for days.
                let filling = [UInt8](repeating: UInt8(ascii: "x"), count: 700)
                for start in stride(from: 0, to: Self.count, by: 500) {
                    var messages: [Broker.OutgoingMessage] = []
                    for number in start..<min(start + 500, Self.count) {
                        let delay = Moment.Span.milliseconds(Int64.random(in: 1_000...Self.longest * 1_000))
                        let entry = DelayLadder.entry(after: delay, to: .retry)
                        hops += entry.routingKey.utf8.count { $0 == UInt8(ascii: "1") }
                        state.withLock { $0.due[number] = Self.milliseconds + entry.delay.milliseconds }
                        messages.append(
                            Broker.OutgoingMessage(
                                exchange: names.delays[entry.rung], routingKey: entry.routingKey,
                                properties: MessageProperties(messageID: String(number)), body: filling))
                    }
                    try await fleet.link.publish(messages)
                }
                let parking = Date().timeIntervalSince(started)
                let disk = try await ChildProcess.run("/usr/bin/du", ["-sm", broker.folder + "/data"]).output.prefix { $0.isNumber }
                if Self.restarts {
                    try await broker.run("kill")
                    try await broker.run("start", String(broker.port))
                }
                let seen = Atomic<Int>(0)
                let early = Atomic<Int>(0)
                let again = Atomic<Int>(0)
                _ = try await fleet.link.consume(names.retry, prefetch: 2_000) { batch in
                    let now = Self.milliseconds
                    state.withLock { state in
                        for delivery in batch {
                            guard let number = delivery.properties.messageID.flatMap(Int.init) else { continue }
                            if now < state.due[number] - 5 { early.add(1, ordering: .relaxed) }
                            if state.seenAt[number] == 0 {
                                state.seenAt[number] = now
                                seen.add(1, ordering: .relaxed)
                            } else {
                                again.add(1, ordering: .relaxed)
                            }
                        }
                    }
                    for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
                }
                try await eventually("all come out", seconds: Double(Self.longest) + 60 + Double(Self.count) / 2_000) {
                    seen.load(ordering: .relaxed) == Self.count
                }
                #expect(early.load(ordering: .relaxed) == 0)
                // At-least-once dead-lettering repeats what a kill caught between two rungs (facts/amqp.md), and nothing else.
                if !Self.restarts { #expect(again.load(ordering: .relaxed) == 0) }
                let late = state.withLock { state in zip(state.seenAt, state.due).map { $0 - $1 }.sorted() }
                let perSecond = Int(Double(hops) / Date().timeIntervalSince(started))
                let status = try await TestMachine.control(["status"], folder: broker.folder).output
                let memory =
                    status.split(separator: "\n").first { $0.contains("Total memory used") }.map { $0.trimmingCharacters(in: .whitespaces) }
                    ?? ""
                print(
                    "parked \(Self.count) for 1...\(Self.longest) s in \(Int(parking)) s\(Self.restarts ? ", broker killed, \(again.load(ordering: .relaxed)) came twice" : ""): late by p50 \(late[late.count / 2]) ms, p99 \(late[late.count * 99 / 100]) ms, most \(late.last ?? 0) ms; \(perSecond) hops/s, \(disk) MB on disk; \(memory)"
                )
            }
        }
    }
}
