import Broker
import Foundation
import TestSupport
import Testing

/// Answers each order with an invoice: an order is gone only when its invoice is with the broker.
private func answer(_ orders: String, with invoices: String, at url: String) async throws -> BrokerLink {
    let link = try await BrokerLink.open(BrokerConfiguration(url: url))
    try await link.declare(Topology(queues: [Queue(orders, .quorum), Queue(invoices, .quorum)]))
    _ = try await link.consume(orders, prefetch: 100) { batch in
        Task {
            for delivery in batch {
                let invoice = OutgoingMessage(exchange: "", routingKey: invoices, body: Array("invoice for ".utf8) + delivery.body)
                await end(delivery, with: invoice)
            }
        }
    }
    return link
}

private func end(_ delivery: Delivery, with invoice: OutgoingMessage) async {
    while true {
        do throws(FinishError) {
            return try await delivery.finish(publishing: [invoice])
        } catch .publish {
            // The order is still ours: its invoice is tried again.
            try? await Task.sleep(for: .seconds(1))
        } catch {
            // The broker hands the order out again, so its invoice may come twice.
            return
        }
    }
}

/// The example of `Sources/Broker/README.md`.
@Suite struct ExampleTests {
    @Test(.needsBroker, .timeLimit(.minutes(5)))
    func anOrderIsAnsweredWithItsInvoice() async throws {
        let url = try #require(ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"])
        let (orders, invoices) = (TestBroker.name("orders"), TestBroker.name("invoices"))
        let link = try await answer(orders, with: invoices, at: url)
        let basket = Basket()
        _ = try await link.consume(invoices, prefetch: 10) { basket.put($0) }
        try await link.publish([OutgoingMessage(exchange: "", routingKey: orders, body: Array("order 7".utf8))])
        let invoice = try #require(try await basket.wait(for: 1).first)
        #expect(String(decoding: invoice.body, as: UTF8.self) == "invoice for order 7")
        try await invoice.finish(publishing: [])
        try await eventually("the order to be gone") { try await link.readyCount(of: orders) == 0 }
        // The end of a queue ends its subscription, and with it the connection.
        for queue in [orders, invoices] { try await link.clear(queue) }
        await link.close()
    }

    @Test func theReadmeShowsThisVeryCode() throws {
        let here = URL(filePath: #filePath)
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "Sources/Broker/README.md"), encoding: .utf8)
        let example = try #require(readme.split(separator: "```swift\n").dropFirst().first?.split(separator: "\n```").first)
        #expect(try String(contentsOf: here, encoding: .utf8).replacing("private func", with: "func").contains(example))
    }
}
