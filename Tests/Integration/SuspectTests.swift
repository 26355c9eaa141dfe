import Broker
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// What is done with a message by how often it was handed out, at a real broker's count.
@Suite struct SuspectTests {
    /// Loses the connection that holds the one message of a queue so many times, as workers do that end over it. Not every broker counts what
    /// is handed back.
    private func handOut(_ queue: String, times: Int, _ fleet: Fleet) async throws {
        for time in 1...times {
            let isSeen = Mutex(false)
            let consumer = try await fleet.link.consume(queue, prefetch: 1) { _ in isSeen.withLock { $0 = true } }
            try await eventually("it is handed out, time \(time)", seconds: 20) { isSeen.withLock { $0 } }
            await consumer.cancel()
            fleet.link.breakConnections()
            try await eventually("it is back") { (try? await fleet.link.readyCount(of: queue)) == 1 }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatWasHandedOutTooOftenIsTriedAloneAsItCame() async throws {
        try await Fleet.with { fleet in
            let body = CRM.decline("OFTEN")
            let properties = MessageProperties(
                contentType: "application/cloudevents+json", messageID: "decline-OFTEN", correlationID: "7", replyTo: "amq.gen-gone",
                type: "com.salvage.decline.v1", expiration: "3600000",
                headers: [
                    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "crm-node": "eu-3", "x-anything": "broker's",
                ])
            try await fleet.link.publish([
                OutgoingMessage(exchange: "declines", routingKey: "decline.initial", properties: properties, body: body)
            ])
            try await handOut("recovery.intake", times: 3, fleet)
            let intake = try await fleet.startWorker(["SALVAGE_STAGES": "intake"])
            try await eventually("it is a suspect") { try await fleet.link.readyCount(of: "recovery.suspects") == 1 }
            #expect(await intake.end(SIGTERM) == 0)

            let seen = Mutex<Delivery?>(nil)
            let look = try await fleet.link.consume("recovery.suspects", prefetch: 1) { batch in seen.withLock { $0 = batch.first } }
            try await eventually("it can be looked at") { seen.withLock { $0 != nil } }
            await look.cancel()
            let suspect = try #require(seen.withLock { $0 })
            #expect(suspect.body == body)
            let headers: FieldTable = [
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "crm-node": "eu-3",
                "salvage-set-aside-stage": "intake",
                "salvage-set-aside-deliveries": 3, "salvage-origin-exchange": "declines", "salvage-origin-routing-key": "decline.initial",
            ]
            #expect(Set(suspect.properties.headers.fields) == Set(headers.fields))
            var others = suspect.properties
            others.headers = properties.headers
            // What is in our hands does not run out.
            others.expiration = properties.expiration
            #expect(others == properties && suspect.properties.expiration == nil)
            fleet.link.breakConnections()

            try await eventually("the link stands again") { fleet.link.isConnected }
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            try await eventually("its stage's work is done on it") { crm.result(of: "OFTEN")?.kind == "approved" }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [(times: 3, isRead: true), (times: 6, isRead: false)])
    func aSuspectThatWasTriedOftenEnoughIsALetterOfItsOwnStage(times: Int, isRead: Bool) async throws {
        try await Fleet.with { fleet in
            let body = Array(#"{"source":"crm","subject":"S1","token":"CANARYtoken","data":{"merchantId":"acme"}}"#.utf8)
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "recovery.work", routingKey: "suspects",
                    properties: MessageProperties(
                        messageID: "m1",
                        headers: [
                            "salvage-set-aside-stage": "intake", "salvage-set-aside-deliveries": 3, "salvage-origin-exchange": "declines",
                            "salvage-origin-routing-key": "decline.initial",
                        ]), body: body)
            ])
            try await handOut("recovery.suspects", times: times, fleet)
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker()
            try await eventually("it is a letter") { letters.all.map(\.reason) == ["crashes_workers"] }
            let text = String(decoding: letters.all[0].body, as: UTF8.self)
            // Intake charges nobody.
            for part in [
                #""stage":"intake""#, #""exchange":"declines""#, #""routingKey":"decline.initial""#, #""deliveries":\#(3 + times)"#,
                #""replayable":true"#, "Handed out \(3 + times) times, \(times) of them alone",
            ] {
                #expect(text.contains(part), "\(part) is not in \(text)")
            }
            #expect(!text.contains("CANARYtoken") && !text.contains("salvage-set-aside") && !text.contains("salvage-origin"))
            #expect(text.contains(#""merchantId":"acme","orderId""#) == isRead)
            try await letters.validate()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aSuspectThatDoesNotSayWhereItWasIsKept() async throws {
        try await Fleet.with { fleet in
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker()
            try await fleet.link.publish([OutgoingMessage(exchange: "recovery.work", routingKey: "suspects", body: CRM.decline("WHO"))])
            try await eventually("it is a letter") { letters.all.map(\.reason) == ["unexpected_type"] }
            try await letters.validate()
        }
    }
}
