import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// A broker that is short of memory takes nothing that anybody publishes, and hands out what it has.
@Suite struct BlockedBrokerTests {
    private static func alarm(_ broker: PrivateBroker, isOver: Bool = false) async throws {
        let mark = isOver ? ["absolute", "2GB"] : ["0.00001"]
        let outcome = try await TestMachine.control(["set_vm_memory_high_watermark"] + mark, folder: broker.folder)
        try #require(outcome.status == 0, "\(outcome.error)")
    }

    private func withBroker(_ body: (PrivateBroker) async throws -> Void) async throws {
        let broker = try await PrivateBroker.start()
        do {
            try await body(broker)
            await broker.stop()
        } catch {
            await broker.stop()
            throw error
        }
    }

    @Test(.timeLimit(.minutes(15)))
    func whoeverWantsSomethingIsToldThatAndNothingIsDoneLater() async throws {
        try await withBroker { broker in
            var plan = Fleet.Plan()
            plan.brokerURL = broker.url
            let port = try TestMachine.freePort()
            plan.settings = ["SALVAGE_LISTEN": "127.0.0.1:\(port)", "SALVAGE_OPERATOR": "ada"]
            try await Fleet.with(plan) { fleet in
                func health(_ page: String) async throws -> (status: Int, text: String) {
                    let answer = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/\(page)")
                    return (answer.status, String(decoding: answer.data, as: UTF8.self))
                }
                let crm = try await CRM(fleet.link)
                try await fleet.write([.sample(.unknownMerchant, body: CRM.decline("OLD"), order: "OLD")])
                try await fleet.startWorker()
                let console = try await fleet.startConsole()
                try await eventually("it is ready without a remark") { try await health("readyz") == (200, "ready\n") }

                try await Self.alarm(broker)
                try await eventually("the worker has heard, stays ready, and says so") {
                    let (status, text) = try await health("readyz")
                    return status == 200 && text.contains("publishing: the broker takes no messages (its alarm: low on memory)")
                }
                #expect(try await health("livez").status == 200)
                #expect(try await health("metrics").text.contains("salvage_broker_blocked{connection=\"publishing\"} 1\n"))

                let status = try await fleet.salvage("status")
                #expect(status.status == 1)
                #expect(status.output.contains("The broker takes no messages (its alarm: low on memory)"), "\(status)")
                #expect(!status.output.contains("No worker runs") && status.output.contains("SalvageBrokerBlocked"), "\(status)")
                #expect(try await fleet.salvage("status", "--json").output.contains(#""kind":"broker_blocked""#))

                let file = fleet.folder.appending(path: "never.json")
                try Data(CRM.decline("NEVER")).write(to: file)
                let orders = [
                    ["pause", "--merchant", "acme", "--for", "1h", "--why", "charged twice"],
                    ["pause", "--worker", "salvage nobody 1", "--for", "1h", "--why", "its node goes"],
                    ["resume", "--merchant", "acme"], ["publish", file.path], ["dead", "discard", "--all", "--note", "of no use"],
                    ["dead", "replay", "--all", "--accept-skips", "--note", "once more"],
                ]
                for order in orders {
                    let outcome = try await fleet.salvage(order)
                    #expect(outcome.status == 69, "\(order): \(outcome)")
                    #expect(outcome.error.contains("takes no messages (its alarm: low on memory); "), "\(order): \(outcome)")
                    #expect(outcome.error.contains("nothing was changed") || outcome.error.contains("what was to be sent was not"))
                    #expect(outcome.error.contains("`rabbitmqctl status`"), "\(order): \(outcome)")
                }
                // Whoever only looks sees everything.
                #expect(try await fleet.letters("--state", "open").map { $0.orderId } == ["OLD"])
                #expect(try await fleet.salvage("pauses").status == 0)

                let refused = try await console.ask("POST", "/api/v1/pauses", #"{"merchant":"acme","seconds":3600,"why":"charged twice"}"#)
                #expect(refused.status == 503 && refused.text.contains("The broker takes no messages"), "\(refused)")
                try await eventually("the console misses its worker, and knows why") {
                    let seen = try await console.ask("GET", "/api/v1/status").text
                    return seen.contains(#""kind":"broker_blocked""#) && !seen.contains("No worker runs")
                }

                try await Self.alarm(broker, isOver: true)
                try await eventually("nobody has a remark any more") { try await health("readyz") == (200, "ready\n") }
                try await eventually("the worker is heard again") {
                    let seen = try await fleet.salvage("status").output
                    return !seen.contains("takes no messages") && !seen.contains("No worker")
                }
                // What was refused is not done now either: a decline behind it finds nothing paused and nothing before it.
                try await crm.publish([CRM.decline("NEXT")])
                try await eventually("the next is answered") { crm.result(of: "NEXT")?.kind == "approved" }
                #expect(crm.result(of: "NEVER") == nil && crm.result(of: "OLD") == nil)
                #expect(try await fleet.salvage("pauses").output.contains("Nothing stands on the stream of pauses"))
                #expect(try await fleet.letters("--state", "open").map { $0.orderId } == ["OLD"])
                let paused = try await fleet.salvage("pause", "--merchant", "acme", "--for", "1h", "--why", "charged twice")
                #expect(paused.status == 0, "\(paused)")
            }
        }
    }

    /// What became of messages by what their publisher was told.
    private struct Told: Sendable {
        var confirmed: Set<String> = []
        var unsent: Set<String> = []
        var unknown: Set<String> = []
        /// Of those who ended otherwise than by the alarm.
        var others: [PublishError] = []

        mutating func add(_ other: Told) {
            confirmed.formUnion(other.confirmed)
            unsent.formUnion(other.unsent)
            unknown.formUnion(other.unknown)
            others += other.others
        }
    }

    /// Publishes one message after the other until the broker takes none.
    private static func publish(_ name: Int, on link: BrokerLink) async -> Told {
        var told = Told()
        var count = 0
        while !Task.isCancelled {
            count += 1
            let id = "\(name)/\(count)"
            do throws(PublishError) {
                try await link.publish([
                    OutgoingMessage(exchange: "", routingKey: "told", properties: MessageProperties(messageID: id), body: [1])
                ])
                told.confirmed.insert(id)
            } catch {
                guard case .blocked(_, let isUnsent) = error else {
                    told.others.append(error)
                    return told
                }
                if isUnsent { told.unsent.insert(id) } else { told.unknown.insert(id) }
                return told
            }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return told
    }

    private static func refusal(ofLockOn link: BrokerLink) async -> BrokerError? {
        do throws(BrokerError) {
            _ = try await link.lock("acting")
            return nil
        } catch {
            return error
        }
    }

    /// Wherever the alarm meets them.
    @Test(.timeLimit(.minutes(10)))
    func whatIsSaidNotToBeSentIsNowhereAndWhatIsConfirmedIsThere() async throws {
        try await withBroker { broker in
            var configuration = try BrokerConfiguration(url: broker.url)
            configuration.alarmPatience = 500
            let link = try await BrokerLink.open(configuration)
            try await link.declare(Topology(queues: [Queue("told", .quorum)]))
            #expect(try await link.alarm() == nil)
            async let publishing = withTaskGroup(of: Told.self) { group -> Told in
                for name in 0..<8 { group.addTask { await Self.publish(name, on: link) } }
                return await group.reduce(into: Told()) { $0.add($1) }
            }
            try await eventually("some are there") { try await link.readyCount(of: "told") > 100 }
            try await Self.alarm(broker)
            let told = await publishing
            #expect(told.others.isEmpty && told.unsent.count + told.unknown.count == 8, "\(told.others)")
            try await eventually("its connection is a new one, and hears why") { try await link.alarm() == "low on memory" }
            // What is only good for publishing is not taken.
            #expect(await Self.refusal(ofLockOn: link) == .blocked(reason: "low on memory"))

            try await Self.alarm(broker, isOver: true)
            try await eventually("it takes messages again") { try await link.alarm() == nil }
            try await link.publish([
                OutgoingMessage(exchange: "", routingKey: "told", properties: MessageProperties(messageID: "last"), body: [1])
            ])
            #expect(try await link.lock("acting") != nil)
            let found = Mutex<Set<String>>([])
            _ = try await link.consume("told", prefetch: .max) { batch in
                found.withLock { $0.formUnion(batch.compactMap { $0.properties.messageID }) }
            }
            try await eventually("all that was confirmed is there") {
                found.withLock { $0 }.isSuperset(of: told.confirmed.union(["last"]))
            }
            #expect(found.withLock { $0 }.isDisjoint(with: told.unsent))
            await link.close()
        }
    }
}
