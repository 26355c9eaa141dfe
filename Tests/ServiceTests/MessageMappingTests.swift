import Broker
import DeclineRecovery
import Pipeline
import Testing

@testable import Service

/// Between the stages' messages and the broker's: where each goes, and what does not fit the protocol never blocks it.
@Suite struct MessageMappingTests {
    private let names = TopologyNames()
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func message(to destination: StageMessage.Destination, id: String = "m-1", correlationID: String? = nil)
        -> Broker.OutgoingMessage
    {
        StageMessage(
            to: destination, messageID: id, type: "t", correlationID: correlationID,
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            body: [1]
        ).brokerMessage(names, now: now)
    }

    @Test func eachDestinationIsAnExchangeAndAKey() {
        for (destination, exchange, key) in [
            (StageMessage.Destination.stage(.retry), names.work, "retry"),
            (.results(.newSale, .approved), names.results, "new_sale.approved"),
            (.results(nil, .rejected), names.results, "unknown.rejected"), (.reply(queue: "q"), "", "q"), (.deadLetters, names.dead, ""),
            (.cancels, names.cancels, ""), (.journal, names.journal, ""),
        ] {
            let message = message(to: destination)
            #expect(message.exchange == exchange && message.routingKey == key)
            // Whoever waited for a reply may be gone; everything else must arrive.
            let isReply = if case .reply = destination { true } else { false }
            #expect(message.isMandatory == !isReply)
        }
    }

    /// The ladder's queues add up to the delay, and the message says when it is due.
    @Test(arguments: [1, 2, 3, 59, 3_600, 86_400, 1_814_400] as [Int64])
    func aDelayedMessageSaysWhenItIsDue(seconds: Int64) {
        let message = message(to: .delayed(.retry, .seconds(seconds)))
        #expect(names.delays.contains(message.exchange) && message.routingKey.hasSuffix("retry"))
        guard case .integer(let due)? = message.properties.headers[HeaderName.due] else {
            Issue.record("it does not say")
            return
        }
        #expect(due - now.milliseconds >= seconds * 1_000 && due - now.milliseconds < seconds * 1_000 + 1_000)
    }

    @Test func whatDoesNotFitTheProtocolIsLeftOutAndNoted() {
        let long = String(repeating: "ä", count: 200)
        let message = message(to: .reply(queue: "q"), correlationID: long)
        #expect(message.properties.correlationID == nil)
        #expect(message.properties.headers[HeaderName.leftOut] == .string("correlation-id"))
        // Of one that is no UTF-8 its bytes count, not the characters that stand for them.
        let bytes = CorrelationID.text(of: Array(repeating: 0xFF, count: 255))
        #expect(self.message(to: .reply(queue: "q"), correlationID: bytes).properties.correlationID == bytes)
        // An id is never left out: the same stands for it at every repeat.
        let id = String(repeating: "x", count: 300)
        let first = self.message(to: .journal, id: id).properties.messageID
        #expect(
            first != nil && first == self.message(to: .journal, id: id).properties.messageID
                && first != self.message(to: .journal, id: id + "y").properties.messageID)
    }

    @Test func aTraceIsPassedOnAndRubbishBeginsANewOne() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let rest = String(good.dropFirst(2))
        #expect(TraceParent.from(good) == good)
        for bad in [
            "", "00-x", String(repeating: "0", count: 1_000), good + "\n", good.uppercased(),
            "00-4111111111111111aaaaaaaaaaaaaaaa-00f067aa0ba902b7-01", "00-41111111111111114111111111111111-00f067aa0ba902b7-01",
            "ff\(rest)", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "\(good)-more", "01\(rest)more", "ff\(rest)-more",
            "01\(rest)-\(String(repeating: "x", count: 1_000))",
        ] {
            let fresh = TraceParent.from(bad)
            #expect(fresh != bad && TraceParent.isValid(fresh), "\(bad)")
        }
        // A later version has what this one knows at its beginning.
        #expect(TraceParent.from("01\(rest)-more") == good)
        #expect(TraceParent.from(nil as String?) != TraceParent.from(nil as String?))
        // Of ids by chance one in eight thousand reads as a card number.
        for _ in 0..<20 {
            let word = TraceParent.word()
            let runs = String(word, radix: 16).split { $0.isLetter }
            #expect(word >> 60 >= 10 && word & 0xF >= 10 && runs.allSatisfy { $0.count <= 7 })
        }
    }
}
